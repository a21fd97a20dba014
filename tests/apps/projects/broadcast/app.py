"""What one says, all hear: those who are connected are in a store for all tasks. A route speaks too."""

import os

from boto3.session import Session
from chalice import Chalice, WebsocketDisconnectedError
from redis import Redis

app = Chalice(app_name="broadcast")
app.websocket_api.session = Session(region_name="eu-west-1")
app.experimental_feature_flags.update(["WEBSOCKETS"])

store = Redis.from_url(os.environ["STORE_URL"], decode_responses=True) if "STORE_URL" in os.environ else None


def broadcast(text):
    """Send to all; forget those that have left."""
    for connection in store.smembers("connected"):
        try:
            app.websocket_api.send(connection, text)
        except WebsocketDisconnectedError:
            store.srem("connected", connection)


@app.on_ws_connect()
def connect(event):
    store.sadd("connected", event.connection_id)


@app.on_ws_disconnect()
def disconnect(event):
    store.srem("connected", event.connection_id)


@app.on_ws_message()
def message(event):
    broadcast(event.body)


@app.route("/news", methods=["POST"], content_types=["text/plain"])
def news():
    broadcast(app.current_request.raw_body.decode())
    return {}
