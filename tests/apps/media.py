"""An app that stores pictures, as Chalice's documentation of binary content shows."""

from chalice import Chalice, NotFoundError, Response

app = Chalice(app_name="media")
app.api.binary_types.append("application/x-model")
pictures = {}


@app.route("/pictures/{name}", methods=["PUT"], content_types=["image/png", "application/x-model", "text/plain"])
def store(name):
    """Store a picture; return its size."""
    request = app.current_request
    pictures[name] = request.raw_body, request.headers["content-type"]
    return {"bytes": len(request.raw_body), "base64": request.to_original_event()["isBase64Encoded"]}


@app.route("/pictures/{name}")
def show(name):
    """Return a picture."""
    if name not in pictures:
        raise NotFoundError(name)
    body, content_type = pictures[name]
    if content_type == "text/plain":
        body = body.decode()
    return Response(body, {"Content-Type": content_type})
