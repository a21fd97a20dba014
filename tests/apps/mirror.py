"""An app that shows what reaches it: every route answers with the event and the context that it was called with."""

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
    """Show the request."""
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
    """Answer GET and HEAD alike."""
    return {"method": app.current_request.method}


@app.route("/json", methods=["POST"])
def json_only():
    """Take JSON alone, as Chalice's routes do that say nothing else."""
    return {"json": app.current_request.json_body}


@app.route("/locked", api_key_required=True, cors=True)
def locked():
    """Open to those who have a key."""
    return {"open": True}


@app.route("/context")
def context():
    """Show the Lambda context."""
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
    """Count the routes: it must not grow."""
    return {"routes": len(app.routes)}
