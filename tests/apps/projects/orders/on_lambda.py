"""The project's Lambda function, with the adapter and Mangum."""

from mangum import Mangum

from app import app
from fargate.asgi import create_asgi_app

handler = Mangum(create_asgi_app(app))
