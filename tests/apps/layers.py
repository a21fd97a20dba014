"""Blueprints and layers of middleware, as Chalice's documentation shows them; each layer marks the response."""

import functools

from chalice import Blueprint, Chalice, ConvertToMiddleware, Response
from chalice.app import ChaliceUnhandledError

app = Chalice(app_name="layers")
users = Blueprint("users")
plain = Blueprint("plain")


class TeapotError(ChaliceUnhandledError):
    """An error that a middleware handles."""


def marking(mark):
    """Return a middleware that adds its mark to a header."""

    def middleware(event, get_response):
        response = get_response(event)
        response.headers["x-marks"] = mark + response.headers.get("x-marks", "")
        return response

    return middleware


app.register_middleware(marking("1"), "http")
app.register_middleware(marking("2"), "all")
app.register_middleware(marking("never"), "s3")


@app.middleware("http")
def respond_early(event, get_response):
    """Respond without the handler if a header says so."""
    if event.headers.get("x-early"):
        return Response({"early": event.path}, {}, 202)
    return get_response(event)


@app.middleware("http")
def pour(event, get_response):
    """Turn an error into a response."""
    try:
        return get_response(event)
    except TeapotError as error:
        return Response({"teapot": str(error)}, {}, 418)


def lambda_decorator(handler):
    """Wrap a Lambda handler, as libraries without knowledge of Chalice do."""

    @functools.wraps(handler)
    def wrapped(event, context):
        response = handler(event, context)
        response.headers["x-wrapped"] = f"{event['httpMethod']} {event['resource']} {bool(context.aws_request_id)}"
        return response

    return wrapped


app.register_middleware(ConvertToMiddleware(lambda_decorator), "http")


@users.middleware("http")
def users_only(event, get_response):
    """Run for every route, as the middleware of a registered blueprint does."""
    response = get_response(event)
    response.headers["x-users"] = (event.uri_params or {}).get("id", "none")
    return response


@users.route("/")
def list_users():
    """The blueprint's root."""
    return {"users": users.current_app.app_name, "path": users.current_request.path}


@users.route("/{id}", methods=["GET", "POST"])
def one_user(id):
    """A route of the blueprint."""
    return {"id": id, "request_id": users.lambda_context.aws_request_id == users.current_request.context["requestId"]}


@plain.route("/plain")
def plain_route():
    """A blueprint without a prefix."""
    return {"path": plain.current_request.path}


@app.route("/teapot")
def teapot():
    """Raise the error that the middleware handles."""
    raise TeapotError("short and stout")


@app.route("/bug")
def bug():
    """Raise an unexpected error."""
    raise ValueError("a bug")


app.register_blueprint(users, name_prefix="users_", url_prefix="/users")
app.register_blueprint(plain)
