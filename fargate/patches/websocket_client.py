"""`app.websocket_api` sends through the adapter instead of API Gateway.

Chalice makes a boto3 client on first use, for the endpoint of the API that the first event names. The adapter puts its
own in that place, before any handler runs. Whatever session the app has set, or sets later, is not asked.

Drop when Chalice lets a client be handed in.
"""

from typing import Any

from chalice.app import Chalice


class _NoSession:
    """In place of a boto3 session, if the app has set none: Chalice wants one."""


def send_through(app: Chalice, client: Any) -> None:
    """Have `app.websocket_api` use a client, which has the methods of boto3's that Chalice calls.

    Args:
        app: the app.
        client: the client.
    """
    api = app.websocket_api
    if api.session is None:
        api.session = _NoSession()
    api.configure("localhost", "api")  # else Chalice refuses to send before the first event
    api._client = client
