"""Which handlers an app has, and how each is called.

What must hold: a handler is called through the name that Lambda imports, `app.nightly`, so decorators above Chalice's
run too. Powertools' decorators are used there, since they need Lambda's two arguments.
"""

import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import chain
from typing import Any

from chalice.app import Chalice

from fargate.errors import ConfigurationError
from fargate.handlers.kinds import KIND_OF_CONFIG, Kind

HandlerCall = Callable[[Any, Any], Any]
"""Takes Lambda's event and context."""

API_HANDLER = "api_handler"
"""Chalice's name of the function behind all routes."""

_OWN_MODULE = "app"
"""The module of an app, as Chalice writes it, whatever its file is called."""

_SOCKETS = {
    Kind.WS_CONNECT: "websocket_connect",
    Kind.WS_MESSAGE: "websocket_message",
    Kind.WS_DISCONNECT: "websocket_disconnect",
}
"""Chalice deploys these under names of its own."""


@dataclass(frozen=True, slots=True)
class Handler:
    """One function that AWS can call."""

    kind: Kind
    name: str
    config: Any  # Chalice's object with the decorator's arguments; the app itself for its routes
    call: HandlerCall

    def __str__(self) -> str:
        return f"{self.kind} {self.name}"

    @property
    def resource(self) -> str:
        """Its name in `.chalice/config.json` and at the end of its function's name."""
        return _SOCKETS.get(self.kind, self.name)

    def function_name(self, app_name: str, stage: str) -> str:
        """Return the name that Chalice gives its Lambda function."""
        return f"{app_name}-{stage}" if self.kind is Kind.ROUTES else f"{app_name}-{stage}-{self.resource}"


def handlers_of(app: Chalice, module: str) -> list[Handler]:
    """Return the handlers of an app, sorted by kind and name.

    Args:
        app: the app.
        module: the imported module that the app is in.
    """
    return sorted(_handlers(app, module), key=str)


def find_handler(handlers: Sequence[Handler], asked: str, app_name: str, stage: str) -> Handler:
    """Return the handler of a name: Chalice's, or else that of its Lambda function.

    Raises:
        ConfigurationError: there is none, or there are two; the message lists all.
    """
    found = [each for each in handlers if each.name == asked] or [
        each for each in handlers if asked in (each.resource, each.function_name(app_name, stage))
    ]
    if len(found) == 1:
        return found[0]
    problem = f"Two handlers are named {asked!r}" if found else f"There is no handler {asked!r}"
    names = [f"  {each}" for each in handlers] or ["  no handlers"]
    raise ConfigurationError("\n".join([f"{problem}. The app has:", *names]))


def _handlers(app: Chalice, module: str) -> Iterator[Handler]:
    if app.routes:
        yield Handler(Kind.ROUTES, API_HANDLER, app, app)
    functions = (app.event_sources, app.pure_lambda_functions, app.builtin_auth_handlers)
    for config in chain(*functions, app.websocket_handlers.values()):
        kind = KIND_OF_CONFIG.get(type(config).__name__)
        if kind is not None:
            yield Handler(kind, config.name, config, _entry_point(app, config, module))


def _entry_point(app: Chalice, config: Any, module: str) -> HandlerCall:
    """Return what Lambda would import; what Chalice keeps, if no module has it or has the bare function."""
    place, _, function = config.handler_string.rpartition(".")
    kept: HandlerCall = app.handler_map[config.name]
    found = getattr(sys.modules.get(module if place == _OWN_MODULE else place), function, None)
    return found if callable(found) and found is not getattr(kept, "func", None) else kept
