"""Routes that other origins may read and routes that they may not, as Chalice's documentation of CORS shows them."""

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
def note(event, get_response):
    """Count what gets as far as a middleware."""
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
    """Answer preflights itself."""
    return {"own": app.current_request.method}


@app.route("/nobody", methods=["GET"])
def nobody():
    """Closed to other origins."""
    return {}


@app.route("/key", cors=PARTNER, api_key_required=True)
def key():
    """Want a key, and let the refusal be read."""
    return {}


@app.route("/iam", cors=PARTNER, authorizer=IAMAuthorizer())
def iam():
    """Want a signature that nobody here can check."""
    return {}


@app.route("/missing", cors=PARTNER)
def missing():
    """Answer with one of Chalice's errors."""
    raise NotFoundError("nothing")


@app.route("/escape", cors=PARTNER)
def escape():
    """Raise what Chalice does not catch."""
    raise SystemExit


@app.route("/large", methods=["POST"], cors=PARTNER)
def large():
    """Take a body."""
    return {}
