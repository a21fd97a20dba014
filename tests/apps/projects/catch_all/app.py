"""An app with a route for every path: of short links, which knows one, and of files."""

from chalice.app import Chalice, NotFoundError

LINKS = {"docs": "https://docs.example"}

app = Chalice(app_name="catch-all")


@app.route("/{name}", methods=["GET", "POST"])
def link(name: str) -> dict[str, str]:
    """Return where a link leads."""
    if name not in LINKS:
        raise NotFoundError(f"no link {name}")
    return {"to": LINKS[name]}


@app.route("/{proxy+}", methods=["GET", "POST"])
def file() -> dict[str, str]:
    """Return the path of a file."""
    return {"file": app.current_request.uri_params["proxy"]}
