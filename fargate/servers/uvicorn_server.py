"""Serve an ASGI app with uvicorn, with a drain."""

import asyncio
import contextlib
import functools
import logging
import math
import socket
import time
from collections.abc import Iterator
from typing import Any, cast

import uvicorn

from fargate.asgi import AsgiApp
from fargate.lifecycle import Lifecycle
from fargate.servers.drain import Drain
from fargate.servers.limits import AGAIN_SECONDS, NO_DESCRIPTOR, SPARE_DESCRIPTORS, SWEEP_SECONDS, Limits, limits_of
from fargate.servers.uvicorn_fast_path import FastPathProtocol
from fargate.settings import Settings

logger = logging.getLogger("fargate")

ROOM_SECONDS = 0.5
"""asyncio reports one lack of file descriptors many times at once."""


class UvicornServer(uvicorn.Server):
    """uvicorn that loses no accepted request and exits 0."""

    def __init__(self, config: uvicorn.Config, drain: Drain, limits: Limits) -> None:
        super().__init__(config)
        self._drain = drain
        self._limits = limits
        self._swept_at = time.monotonic()
        self._made_room_at = self._warned_at = -math.inf

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Drain on SIGTERM and SIGINT. uvicorn's own raises the signal again at the end, so it never exits 0."""
        with self._drain.on_signals():
            yield

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        asyncio.get_running_loop().set_exception_handler(self._on_loop_error)
        self._drain.ready()

    async def on_tick(self, counter: int) -> bool:
        """Return, ten times a second, whether to shut down; look for slow clients once a second."""
        self._sweep(time.monotonic())
        return await super().on_tick(counter) or not self._drain.stop.accept_seconds_left

    def _sweep(self, now: float) -> None:
        if now - self._swept_at < SWEEP_SECONDS:
            return
        self._swept_at = now
        for connection in list(self.server_state.connections):
            cast(FastPathProtocol, connection).sweep(self._limits, now)

    def _on_loop_error(self, loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
        """Make room where asyncio has no file descriptor for a connection: it logs 2,000 lines, and tries in a second.

        uvloop says nothing, and resets new connections.
        """
        error = context.get("exception")
        if not isinstance(error, OSError) or error.errno not in NO_DESCRIPTOR:
            loop.default_exception_handler(context)
        elif time.monotonic() - self._made_room_at >= ROOM_SECONDS:
            self._made_room_at = time.monotonic()
            self._make_room()

    def _make_room(self) -> None:
        """Close connections that are idle, those that have been so the longest; say so once a minute at the most."""
        connections = [cast(FastPathProtocol, each) for each in self.server_state.connections]
        idle = sorted((each for each in connections if each.is_idle), key=FastPathProtocol.idle_since)
        for connection in idle[: max(SPARE_DESCRIPTORS, len(idle) // 2)]:
            connection.shutdown()
        if self._made_room_at - self._warned_at >= AGAIN_SECONDS:
            self._warned_at = self._made_room_at
            logger.warning("No file descriptor is left for new connections: idle ones are closed")

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        if not await self._drain.finish(functools.partial(super().shutdown, sockets)):
            logging.getLogger("uvicorn").setLevel(logging.CRITICAL)  # no traceback for each request that is cut off


def serve(app: AsgiApp, listener: socket.socket, settings: Settings, lifecycle: Lifecycle) -> None:
    """Serve on a listening socket until SIGTERM or SIGINT, then drain. Call it in the main thread."""
    logging.getLogger("uvicorn").setLevel(logging.ERROR)  # a warning for each malformed request adds nothing
    config = uvicorn.Config(
        app,
        http=FastPathProtocol,
        ws="none",
        lifespan="on",
        timeout_keep_alive=settings.keep_alive_seconds,
        h11_max_incomplete_event_size=settings.max_header_bytes,
        proxy_headers=False,  # the gateway decides which proxies to trust, the same for every server
        server_header=False,
        access_log=False,
        log_config=None,
    )
    UvicornServer(config, Drain(listener, settings, lifecycle), limits_of(settings)).run(sockets=[listener])
