"""An echo server, as in Chalice's tutorial: it has a handler of messages alone."""

from boto3.session import Session
from chalice import Chalice, Response, WebsocketDisconnectedError

app = Chalice(app_name="echo")
app.websocket_api.session = Session(region_name="eu-west-1")
app.experimental_feature_flags.update(["WEBSOCKETS"])


@app.on_ws_message()
def message(event):
    try:
        app.websocket_api.send(event.connection_id, event.body)
    except WebsocketDisconnectedError as gone:
        app.log.warning("%s has left", gone.connection_id)
    return Response({"message": "is not sent"})
