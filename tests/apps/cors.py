"""Routes with and without CORS, as Chalice's documentation shows them."""

from chalice import Chalice, CORSConfig, IAMAuthorizer, NotFoundError

app = Chalice(app_name="cors")
PARTNER = CORSConfig(
    allow_origin="https://partner.example",
    allow_headers=["X-Special"],
    expose_headers=["X-Total", "X-Page"],
    max_age=600,
    allow_credentials=True,
)
calls = []


@app.middleware("http")
def record(event, get_response):
    """Record the methods of requests that reach a middleware."""
    calls.append(event.method)
    return get_response(event)


@app.route("/anyone", methods=["GET", "PUT"], cors=True)
def anyone():
    """Open to every origin."""
    return {"calls": calls}


@app.route("/partner", methods=["GET"], cors=PARTNER)
def partner():
    """Open to one origin."""
    return {}


@app.route("/mixed", methods=["GET"], cors=True)
@app.route("/mixed", methods=["DELETE"])
def mixed():
    """Open for GET, closed for DELETE."""
    return {}


@app.route("/own", methods=["GET", "OPTIONS"], cors=True)
def own():
    """Handle preflights in the view."""
    return {"own": app.current_request.method}


@app.route("/closed", methods=["GET"])
def closed():
    """Closed to other origins."""
    return {}


@app.route("/key", cors=PARTNER, api_key_required=True)
def key():
    """Require a key; other origins may read the error."""
    return {}


@app.route("/iam", cors=PARTNER, authorizer=IAMAuthorizer())
def iam():
    """Require a signature, which the adapter cannot check."""
    return {}


@app.route("/missing", cors=PARTNER)
def missing():
    """Raise one of Chalice's errors."""
    raise NotFoundError("nothing")


@app.route("/escape", cors=PARTNER)
def escape():
    """Raise an exception that Chalice does not catch."""
    raise SystemExit


@app.route("/large", methods=["POST"], cors=PARTNER)
def large():
    """Accept a body."""
    return {}
