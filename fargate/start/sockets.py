"""What `app.websocket_api` sends through: this process's connections, and with Redis those of all tasks."""

import atexit
from typing import TYPE_CHECKING

from chalice.app import Chalice

from fargate.settings import Settings

if TYPE_CHECKING:
    from fargate.websockets.connections import LocalConnections, Reach
    from fargate.websockets.relay import RelayedConnections


def reach_websockets(
    app: Chalice, settings: Settings, stage: str, local: "LocalConnections | None" = None
) -> "Reach | None":
    """Have `app.websocket_api` send to WebSockets that the adapter holds, and return what finds them.

    If the adapter holds none, `websocket_api` is left as it is, and the answer is None.

    Args:
        app: the app.
        settings: where Redis is, if there is one.
        stage: of the project; the tasks of an app and a stage reach each other.
        local: the connections of this process, if it holds any.

    Raises:
        ConfigurationError: the URL of Redis is malformed.
    """
    if not settings.websockets or (local is None and not settings.websocket_redis_url):
        return None
    from fargate.patches.websocket_client import send_through
    from fargate.websockets.client import ManagementClient

    reach: Reach | None = _through_redis(app, settings, stage, local) if settings.websocket_redis_url else local
    assert reach is not None  # noqa: S101  one of both is there
    send_through(app, ManagementClient(reach))
    return reach


def _through_redis(
    app: Chalice, settings: Settings, stage: str, local: "LocalConnections | None"
) -> "RelayedConnections":
    from fargate.websockets.relay import Listener, Names, RelayedConnections, relay_client

    client, names = relay_client(settings.websocket_redis_url), Names(f"{app.app_name}-{stage}")
    if local is not None:
        listener = Listener(client, names, local)
        listener.start()
        atexit.register(listener.finish)
    return RelayedConnections(client, names, local)
