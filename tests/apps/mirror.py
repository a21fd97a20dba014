"""An app that returns the events and the context with which it is called."""

from chalice import Chalice

app = Chalice(app_name="mirror")

METHODS = ["GET", "POST", "PUT", "PATCH", "DELETE"]
PATTERNS = [
    "/",
    "/mirror",
    "/pets/{name}",
    "/pets/dog",
    "/pets/dog/toys",
    "/pets/{name}/vet",
    "/pets/{name}/vet/{visit}",
    "/pets/{proxy+}",
    "/files/{proxy+}",
    "/café",
]


def mirror(**captured):
    """Return the request."""
    request = app.current_request
    return {
        "event": request.to_original_event(),
        "captured": captured,
        "uri_params": request.uri_params,
        "query": {name: request.query_params.getlist(name) for name in request.query_params or {}} or None,
        "body": request.raw_body.hex() if request.raw_body else "",
    }


for pattern in PATTERNS:
    app.route(pattern, methods=METHODS, content_types=["*/*"])(mirror)


@app.route("/head", methods=["GET", "HEAD"])
def head():
    """Handle GET and HEAD."""
    return {"method": app.current_request.method}


@app.route("/json", methods=["POST"])
def json_only():
    """Accept only JSON, Chalice's default."""
    return {"json": app.current_request.json_body}


@app.route("/locked", api_key_required=True, cors=True)
def locked():
    """Require an API key."""
    return {"open": True}


@app.route("/context")
def context():
    """Return the Lambda context."""
    given = app.lambda_context
    names = (
        "function_name",
        "function_version",
        "invoked_function_arn",
        "memory_limit_in_mb",
        "aws_request_id",
        "log_group_name",
        "log_stream_name",
        "client_context",
    )
    return {
        "context": {name: getattr(given, name) for name in names},
        "identity": [given.identity.cognito_identity_id, given.identity.cognito_identity_pool_id],
        "remaining": [given.get_remaining_time_in_millis() for _ in range(3)],
        "request_context": app.current_request.context,
    }


@app.route("/routes")
def routes():
    """Return the number of routes."""
    return {"routes": len(app.routes)}
