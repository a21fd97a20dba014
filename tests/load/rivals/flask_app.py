"""What a team with threads would write: Flask and redis-py under waitress, a cached product answered as it lies."""

import os

import redis
from flask import Flask, Response

app = Flask(__name__)
cache = redis.Redis.from_url(os.environ["REDIS_URL"])


@app.get("/product/<int:id>")
def read_product(id: int) -> Response:
    """Return a product."""
    body = cache.get(f"p1:{id}")
    if body is None:
        return Response('{"message":"not in the cache"}', 404, mimetype="application/json")
    return Response(body, mimetype="application/json")
