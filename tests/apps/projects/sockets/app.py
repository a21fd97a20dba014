"""Every handler of a WebSocket: what a message asks for is done, and what handlers are given is kept."""

import json
import logging
import threading

from boto3.session import Session
from botocore.exceptions import ClientError
from chalice import Chalice, Response, WebsocketDisconnectedError
from prometheus_client import CollectorRegistry, generate_latest

app = Chalice(app_name="sockets")
app.websocket_api.session = Session(region_name="eu-west-1")
app.metrics_registry = CollectorRegistry()


class Spoiled(logging.Handler):
    """What an app adds to its logger, and breaks."""

    def emit(self, record):
        raise RuntimeError("no log here")


seen: list[dict] = []
may_go_on = threading.Event()


@app.on_ws_connect()
def connect(event):
    seen.append(event.to_dict())
    query = event.to_dict().get("queryStringParameters") or {}
    if "raise" in query:
        raise RuntimeError("refused")
    headers = {"Sec-WebSocket-Protocol": query["protocol"]} if "protocol" in query else {}
    return Response(body="", status_code=int(query.get("status", 200)), headers=headers)


@app.on_ws_message()
def message(event):
    seen.append(event.to_dict())
    asked, _, rest = event.body.partition(" ")
    here = event.connection_id
    if asked == "raise":
        raise RuntimeError(rest)
    if asked == "close":
        app.websocket_api.close(here)
    elif asked == "info":
        app.websocket_api.send(here, json.dumps(app.websocket_api.info(here), default=str))
    elif asked == "wait":
        may_go_on.wait(60)
    elif asked == "many":
        for _ in range(int(rest)):
            app.websocket_api.send(here, "x" * 128 * 1024)
    elif asked == "id":
        app.websocket_api.send(here, here)
    else:
        app.websocket_api.send(here, event.body)


@app.on_ws_disconnect()
def disconnect(event):
    seen.append(event.to_dict())


@app.lambda_function()
def send_news(event, context):
    """Send to a connection from a process that holds none."""
    app.websocket_api.send(event["to"], event["text"])


@app.route("/info/{connection}")
def info(connection):
    known = app.websocket_api.info(connection)
    return {"from": known["Identity"]["SourceIp"], "since": known["ConnectedAt"].timestamp()}


@app.route("/close/{connection}", methods=["POST"])
def close(connection):
    app.websocket_api.close(connection)
    return {}


@app.route("/seen")
def events():
    """Return the events so far."""
    return seen


@app.route("/metrics")
def metrics():
    return Response(generate_latest(app.metrics_registry).decode(), {"Content-Type": "text/plain"})


@app.route("/spoil", methods=["POST"])
def spoil():
    logging.getLogger("sockets").addHandler(Spoiled())
    return {}


@app.route("/go-on", methods=["POST"])
def go_on():
    may_go_on.set()
    return {}


@app.route("/{kind}/{name}", methods=["DELETE", "GET", "POST"])
def anything(kind, name):
    """Match `/@connections/{id}` too."""
    return Response({"message": "of the app"}, status_code=404)


@app.route("/send/{connection}", methods=["POST"])
def send(connection):
    """Send a body to a connection."""
    try:
        app.websocket_api.send(connection, app.current_request.raw_body.decode())
    except WebsocketDisconnectedError:
        return Response({"message": "gone"}, status_code=410)
    except ClientError as error:
        return Response(error.response["Error"], status_code=error.response["ResponseMetadata"]["HTTPStatusCode"])
    return {}
