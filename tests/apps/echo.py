"""A small app that returns what it received, after a pause if asked to."""

import threading
import time

from chalice import Blueprint, Chalice, Response

app = Chalice(app_name="echo")
blueprint = Blueprint(__name__)
release = threading.Event()


@app.middleware("http")
def mark(event, get_response):
    """Write into a header what the middleware saw: of the app object and of its argument."""
    before = app.current_request.headers.get("x-mark", "")
    response = get_response(event)
    response.headers["x-mark"] = f"{before}/{app.current_request.headers.get('x-mark', '')}/{event.query_params}"
    return response


@app.route("/echo/{name}", methods=["GET", "POST"])
def echo(name):
    """Read the request twice; other requests run in between."""
    pause = float((app.current_request.query_params or {}).get("pause", "0"))
    before = _seen(app.current_request, app.lambda_context)
    time.sleep(pause)
    return {"name": name, "before": before, "after": _seen(app.current_request, app.lambda_context)}


@blueprint.route("/blue/{name}", methods=["POST"])
def blue(name):
    """Do the same as `echo`, in a blueprint."""
    before = _seen(blueprint.current_request, blueprint.lambda_context)
    time.sleep(0)
    return {"name": name, "before": before, "after": _seen(blueprint.current_request, blueprint.lambda_context)}


def _seen(request, context):
    return {
        "body": request.raw_body.decode() if request.raw_body else "",
        "params": request.uri_params,
        "mark": request.headers.get("x-mark"),
        "request_id": request.context["requestId"],
        "context_id": context.aws_request_id,
    }


@app.route("/exit")
def leave():
    """Try to end the server."""
    raise SystemExit("a handler must not end the server")


@app.route("/large/{size}")
def large(size):
    """Return that many bytes."""
    return Response("x" * int(size), {"Content-Type": "text/plain"})


app.register_blueprint(blueprint)
