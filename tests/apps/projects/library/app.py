"""A library: blueprints, middleware, CORS and an authorizer, as in Chalice's samples and workshops."""

import json

from chalice import AuthResponse, AuthRoute, Chalice, CORSConfig, Response, UnauthorizedError
from chalicelib.books import books

app = Chalice(app_name="library")
app.log.disabled = True
app.register_blueprint(books, url_prefix="/books")
SITE = CORSConfig(allow_origin="https://site.example", allow_headers=["X-Shelf"], max_age=600)


@app.middleware("all")
def stamp(event, get_response):
    """Mark each response with the path of its route."""
    response = get_response(event)
    response.headers["X-Route"] = event.path
    return response


@app.authorizer()
def readers(request):
    """Let readers read and librarians do everything; others are unknown."""
    if request.token == "librarian":
        return AuthResponse(routes=["*"], principal_id="librarian", context={"role": "all", "level": 3})
    if request.token == "reader":
        return AuthResponse(routes=[AuthRoute("/shelves/*", ["GET"]), "/me"], principal_id="reader")
    if request.token == "nobody":
        return AuthResponse(routes=[], principal_id="nobody")
    raise UnauthorizedError("who are you?")


@app.route("/")
def index():
    return {"library": True}


@app.route("/me", authorizer=readers)
def me():
    """Return what the authorizer says."""
    return app.current_request.context["authorizer"]


@app.route("/shelves/{name}", methods=["GET", "PUT"], authorizer=readers, cors=SITE)
def shelf(name):
    return {"shelf": name, "method": app.current_request.method}


@app.route("/form", methods=["POST"], content_types=["application/x-www-form-urlencoded", "text/plain"], cors=True)
def form():
    """Return a form's raw body."""
    return {"raw": app.current_request.raw_body.decode()}


@app.route("/see", methods=["GET"])
def see():
    """Send the client elsewhere."""
    return Response(body="", status_code=303, headers={"Location": "/books"})


@app.route("/cookies")
def cookies():
    """Set two cookies, and return those that came."""
    seen = app.current_request.headers.get("cookie", "")
    return Response({"cookie": seen}, {"Set-Cookie": ["a=1; Path=/", "b=2; Secure"], "X-One": "1"})


@app.route("/request/{part}", methods=["GET", "POST", "DELETE", "PATCH"])
def request(part):
    """Return what Chalice's request says."""
    seen = app.current_request
    query = {name: seen.query_params.getlist(name) for name in seen.query_params or {}}
    shown = seen.to_dict()
    return {
        "part": part,
        "method": seen.method,
        "path": seen.path,
        "query": query,
        "params": shown["uri_params"],
        "raw": seen.raw_body.decode(),
        "x-upper": seen.headers.get("X-Upper"),
    }


@app.route("/upper")
def upper():
    return {"upper": app.current_request.headers.get("x-upper")}


@app.route("/stage")
def stage():
    """Return the stage's variables."""
    return {"variables": app.current_request.stage_vars}


@app.route("/json", methods=["POST", "PUT"])
def as_json():
    """Return the JSON that came."""
    return {"json": app.current_request.json_body, "text": json.dumps(app.current_request.json_body)}


@app.route("/bug")
def bug():
    """Raise an error that no client may see."""
    raise RuntimeError("a secret")
