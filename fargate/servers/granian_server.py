"""Serve the ASGI door with granian, in this process, with an orderly end."""

import asyncio
import contextlib
import logging
import socket
from typing import Any

from granian._granian import SocketHolder
from granian.constants import HTTPModes, Interfaces
from granian.http import HTTP1Settings
from granian.server.embed import Server

from fargate.asgi import AsgiApp
from fargate.lifecycle import QUIET_SECONDS, Lifecycle, Phase
from fargate.servers.listening import refuse_connections
from fargate.servers.signals import Stop, on_signals
from fargate.settings import Settings

logger = logging.getLogger("fargate")

CONNECTIONS = 2**16
"""granian cannot close a quiet connection to make room for a new one, so its limit must be out of reach."""


class ListenerServer(Server):
    """granian on a listening socket of ours, which we can close to new connections while it finishes the old ones."""

    def __init__(self, app: AsgiApp, listener: socket.socket, settings: Settings) -> None:
        self._listener = listener
        super().__init__(
            app,
            interface=Interfaces.ASGI,
            http=HTTPModes.http1,
            websockets=False,
            backpressure=CONNECTIONS,
            http1_settings=HTTP1Settings(header_read_timeout=settings.keep_alive_seconds * 1000),
            log_enabled=False,
        )

    def _init_shared_socket(self) -> None:
        self._ssp = None
        holder: Any = SocketHolder  # its stub does not know its arguments
        self._shd = holder(self._listener.fileno(), False, self.backlog)


def serve(app: AsgiApp, listener: socket.socket, settings: Settings, lifecycle: Lifecycle) -> None:
    """Serve on a listening socket until SIGTERM or SIGINT, then drain. Call it in the main thread."""
    asyncio.run(_serve(ListenerServer(app, listener, settings), listener, settings, lifecycle))


async def _serve(server: ListenerServer, listener: socket.socket, settings: Settings, lifecycle: Lifecycle) -> None:
    loop = asyncio.get_running_loop()
    stop, told = Stop(settings.drain_accept_seconds), asyncio.Event()

    def wake() -> None:
        loop.call_soon_threadsafe(told.set)

    with on_signals(stop, wake):
        serving = asyncio.ensure_future(server.serve())
        lifecycle.phase = Phase.READY
        await told.wait()
        lifecycle.phase = Phase.DRAINING
        await _accept_on(stop, told)
        refuse_connections(listener)
        await asyncio.sleep(QUIET_SECONDS)
        server.stop()  # type: ignore[no-untyped-call]
        await asyncio.wait((serving,), timeout=max(0, settings.drain_seconds - QUIET_SECONDS))
    if not serving.done():
        logger.warning("Requests were still running after %d s", settings.drain_seconds)


async def _accept_on(stop: Stop, told: asyncio.Event) -> None:
    """Wait until no more connections are accepted; `told` is set at each signal."""
    while seconds := stop.accept_seconds_left:
        told.clear()
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(told.wait(), seconds)
