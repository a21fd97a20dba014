"""A chat with rooms, as Chalice's documentation has one: who is connected, and where, is in a store for all tasks.

A message goes to the room of its sender. `/join ROOM` changes the room, `/name NAME` the name, `/list` names the rooms.
"""

import os

from boto3.session import Session
from chalice import Chalice, WebsocketDisconnectedError
from redis import Redis

app = Chalice(app_name="chat")
app.websocket_api.session = Session(region_name="eu-west-1")

store = Redis.from_url(os.environ["STORE_URL"], decode_responses=True) if "STORE_URL" in os.environ else None


def tell(room, text):
    """Send to all in a room; forget those that have left."""
    for connection in store.smembers("in:" + room):
        try:
            app.websocket_api.send(connection, text)
        except WebsocketDisconnectedError:
            forget(connection)


def join(connection, room):
    forget(connection)
    store.hset("rooms", connection, room)
    store.sadd("in:" + room, connection)


def forget(connection):
    room = store.hget("rooms", connection)
    store.hdel("rooms", connection)
    store.srem(f"in:{room}", connection)


@app.on_ws_connect()
def connect(event):
    join(event.connection_id, "lobby")


@app.on_ws_disconnect()
def disconnect(event):
    forget(event.connection_id)


@app.on_ws_message()
def message(event):
    here = event.connection_id
    command, _, rest = event.body.partition(" ")
    name = store.hget("names", here) or "someone"
    if command == "/join":
        join(here, rest)
        app.websocket_api.send(here, f"you are in {rest}")
    elif command == "/name":
        store.hset("names", here, rest)
        app.websocket_api.send(here, f"you are {rest}")
    elif command == "/list":
        app.websocket_api.send(here, " ".join(sorted(set(store.hvals("rooms")))))
    else:
        tell(store.hget("rooms", here), f"{name}: {event.body}")
