"""Serve an ASGI app with granian, in this process, with a drain."""

import asyncio
import socket
from collections.abc import Awaitable

from granian.constants import HTTPModes, Interfaces
from granian.http import HTTP1Settings

from fargate.asgi import AsgiApp
from fargate.lifecycle import Lifecycle
from fargate.patches.granian_socket import SocketServer
from fargate.servers.drain import Drain
from fargate.settings import Settings

CONNECTIONS = 2**16
"""granian cannot close an idle connection to make room for a new one, so its limit must be out of reach."""

TICK_SECONDS = 0.1
"""How often the loop looks whether to drain."""


def serve(app: AsgiApp, listener: socket.socket, settings: Settings, lifecycle: Lifecycle) -> None:
    """Serve on a listening socket until SIGTERM or SIGINT, then drain. Call it in the main thread."""
    server = SocketServer(
        app,
        listener,
        interface=Interfaces.ASGI,
        http=HTTPModes.http1,
        websockets=False,
        backpressure=CONNECTIONS,
        http1_settings=HTTP1Settings(header_read_timeout=settings.keep_alive_seconds * 1000),
        log_enabled=False,
    )
    asyncio.run(_serve(server, Drain(listener, settings, lifecycle)))


async def _serve(server: SocketServer, drain: Drain) -> None:
    with drain.on_signals():
        serving = asyncio.ensure_future(server.serve())

        def close() -> Awaitable[object]:
            server.stop()  # type: ignore[no-untyped-call]
            return asyncio.wait((serving,))

        drain.ready()
        while drain.stop.accept_seconds_left:
            await asyncio.sleep(TICK_SECONDS)
        await drain.finish(close)
