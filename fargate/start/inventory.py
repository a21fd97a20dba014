"""What of an app is served, what is closed, and what is not served. The start logs it, and `check` prints it."""

from collections.abc import Iterable
from typing import NamedTuple

from chalice.app import Chalice, RouteEntry

from fargate.auth.authorizers import Closed, closed_routes
from fargate.gateway.unserved import Unserved, socket_handlers, unserved_handlers
from fargate.settings import Settings, serves_websockets


class Inventory(NamedTuple):
    """An app's routes and other handlers."""

    entries: tuple[RouteEntry, ...]  # one for each method of each route
    closed: tuple[Closed, ...]  # by their authorizers
    keyed: tuple[str, ...]  # routes that require an API key, such as `POST /data`; sorted
    unserved: tuple[Unserved, ...]
    sockets: tuple[Unserved, ...]  # the handlers of WebSockets, if the server serves them


def take_inventory(app: Chalice, settings: Settings) -> Inventory:
    """Look at an app; nothing of it is called."""
    entries = tuple(entry for methods in app.routes.values() for entry in methods.values())
    sockets = socket_handlers(app)
    served = serves_websockets(settings)
    return Inventory(
        entries,
        tuple(closed_routes(app, settings.cognito_jwks)),
        names(entry for entry in entries if entry.api_key_required),
        tuple(sorted(unserved_handlers(app) + ([] if served else sockets))),
        tuple(sockets if served else ()),
    )


def names(entries: Iterable[RouteEntry]) -> tuple[str, ...]:
    """Return the method and the pattern of routes, sorted."""
    return tuple(sorted({f"{entry.method} {entry.uri_pattern}" for entry in entries}))
