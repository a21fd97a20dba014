"""Media and their labels, with handlers of S3, SNS, SQS and sockets beside the routes, as in Chalice's media query."""

import base64
import json

from chalice import Chalice, CognitoUserPoolAuthorizer, IAMAuthorizer, NotFoundError, Response

app = Chalice(app_name="media-query")
app.log.disabled = True
app.experimental_feature_flags.update(["WEBSOCKETS"])
pool = CognitoUserPoolAuthorizer("pool", provider_arns=["arn:aws:cognito-idp:eu-west-1:1:userpool/eu-west-1_a"])
media: dict[str, dict] = {}


@app.on_s3_event(bucket="media", events=["s3:ObjectCreated:*"])
def uploaded(event):
    """Label what was uploaded."""


@app.on_sns_message(topic="labels")
def labelled(event):
    """Store labels."""


@app.on_sqs_message(queue="videos", batch_size=1)
def queued(event):
    """Label a video."""


@app.schedule("rate(1 hour)")
def cleaned(event):
    """Remove what is old."""


@app.on_ws_connect()
def joined(event):
    """Remember a client."""


@app.on_ws_message()
def told(event):
    """Tell every client."""


@app.route("/media")
def listed():
    """List the media by type and label."""
    query = app.current_request.query_params or {}
    found = {name: each["labels"] for name, each in media.items() if query.get("label") in (None, *each["labels"])}
    return {"names": sorted(found), "startswith": query.get("startswith")}


@app.route(
    "/media/{name}", methods=["PUT"], content_types=["image/png", "application/octet-stream", "application/json"]
)
def put(name):
    """Store bytes, or JSON with labels."""
    request = app.current_request
    is_json = request.headers["content-type"].startswith("application/json")
    body = json.dumps(request.json_body).encode() if is_json else request.raw_body
    kind = request.headers["content-type"]
    media[name] = {"body": base64.b64encode(body).decode(), "labels": ["new"], "type": kind}
    return {"name": name, "bytes": len(body)}


@app.route("/media/{name}")
def get(name):
    """Return the bytes."""
    if name not in media:
        raise NotFoundError(f"{name} is not there")
    found = media[name]
    if found["type"].startswith("application/json"):
        return json.loads(base64.b64decode(found["body"]))
    return Response(base64.b64decode(found["body"]), {"Content-Type": found["type"]})


@app.route("/media/{name}/labels", methods=["GET", "DELETE"])
def labels(name):
    """Return or forget the labels."""
    if name not in media:
        raise NotFoundError(f"{name} is not there")
    if app.current_request.method == "DELETE":
        media[name]["labels"] = []
    return media[name]["labels"]


@app.route("/pooled", authorizer=pool)
def pooled():
    """Return the caller's claims."""
    return app.current_request.context["authorizer"]["claims"]


@app.route("/signed", authorizer=IAMAuthorizer())
def signed():
    return {}


@app.route("/keyed", api_key_required=True)
def keyed():
    return {}
