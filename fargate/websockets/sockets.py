"""What all connections of a server share: the handlers, the threads that call them, the limits."""

import asyncio
import sys
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Protocol, TypeVar

from chalice.app import Chalice

from fargate.errors import ServiceUnavailable
from fargate.gateway.context import identity_of
from fargate.gateway.event import EventBuilder
from fargate.handlers.catalog import handlers_of
from fargate.handlers.invocation import Invoker
from fargate.http.messages import HttpRequest
from fargate.settings import Settings
from fargate.telemetry.access_log import line_rate_of
from fargate.telemetry.event_telemetry import event_telemetry_of
from fargate.telemetry.telemetry import registry_of
from fargate.threads.workers import Workers
from fargate.websockets.connections import LocalConnections
from fargate.websockets.handlers import SocketHandlers
from fargate.websockets.management import Management
from fargate.websockets.metrics import Handshake, SocketMetrics
from fargate.websockets.protocol import SocketLimits, SocketProtocol

Result = TypeVar("Result")


class ServerConnections(Protocol):
    """What uvicorn knows of its connections and tasks, which a shutdown waits for."""

    connections: set[Any]
    tasks: "set[asyncio.Task[None]]"


@dataclass
class Sockets:
    """Makes the connections of a server."""

    handlers: SocketHandlers
    connections: LocalConnections
    metrics: SocketMetrics
    limits: SocketLimits
    threads: int  # so many handlers of WebSockets run at the same time, besides those of requests
    finish: Callable[[], None]  # writes the waiting lines; call it when the server has ended
    management: Management | None = None  # None: nothing is let in from outside
    most: int = sys.maxsize  # so many connections are held at the same time
    held: int = 0  # with those whose handshake is not answered

    @cached_property
    def _workers(self) -> "Workers[Callable[[], Any], Any]":
        return Workers(lambda call: call(), self.threads, "websocket")

    async def run(self, call: Callable[[], Result]) -> Result:
        """Call a handler in a thread."""
        result: Result = await self._workers.submit(call)
        return result

    def open(self, request: HttpRequest, transport: Any, early: bytes, server: ServerConnections) -> None:
        """Go on with a connection whose handshake has come.

        Args:
            request: the handshake.
            transport: asyncio's; it gets another protocol.
            early: what has come after the handshake.
            server: gets the connection and its task.

        Raises:
            ServiceUnavailable: as many connections as there may be are held already.
        """
        if self.held >= self.most:
            self.metrics.answered(Handshake.FULL)
            raise ServiceUnavailable(headers=[("Retry-After", "1")])
        opened = self.handlers.open(request, self.connections.new_id())
        SocketProtocol(opened, self, server).begin(request, transport, early)


def sockets_of(app: Chalice, settings: Settings, module: str, stage: str) -> Sockets:
    """Return what serves an app's WebSockets.

    Args:
        app: the app.
        settings: limits, threads and stage.
        module: the imported module that the app is in.
        stage: of the project, part of the functions' names.
    """
    account = identity_of(app.app_name).account_id
    builder = EventBuilder(settings.base_path, settings.trusted_proxies, account, app.api.binary_types)
    telemetry = event_telemetry_of(app, settings, line_rate_of(settings))
    invoker = Invoker(app, stage, telemetry)
    handlers = SocketHandlers(handlers_of(app, module), invoker, builder, settings.deadline_seconds)
    limits = SocketLimits(
        settings.websocket_message_bytes,
        settings.websocket_frame_bytes,
        settings.websocket_idle_seconds,
        settings.websocket_seconds,
    )
    connections = LocalConnections()
    metrics = SocketMetrics(connections)
    registry_of(app).register(metrics)
    return Sockets(handlers, connections, metrics, limits, settings.threads, telemetry.access_log.finish)
