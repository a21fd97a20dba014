"""Serve an ASGI app with uvicorn, with a drain."""

import contextlib
import functools
import logging
import socket
import time
from collections.abc import Iterator
from typing import cast

import uvicorn

from fargate.asgi import AsgiApp
from fargate.lifecycle import Lifecycle
from fargate.servers.drain import Drain
from fargate.servers.limits import SWEEP_SECONDS, Limits, limits_of
from fargate.servers.uvicorn_fast_path import FastPathProtocol
from fargate.settings import Settings


class UvicornServer(uvicorn.Server):
    """uvicorn that loses no accepted request and exits 0."""

    def __init__(self, config: uvicorn.Config, drain: Drain, limits: Limits) -> None:
        super().__init__(config)
        self._drain = drain
        self._limits = limits
        self._swept_at = time.monotonic()

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Drain on SIGTERM and SIGINT. uvicorn's own raises the signal again at the end, so it never exits 0."""
        with self._drain.on_signals():
            yield

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
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
