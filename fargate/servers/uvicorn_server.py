"""Serve the ASGI door with uvicorn, with an orderly end."""

import asyncio
import contextlib
import logging
import socket
from collections.abc import Iterator

import uvicorn

from fargate.asgi import AsgiApp
from fargate.lifecycle import QUIET_SECONDS, Lifecycle, Phase
from fargate.servers.listening import refuse_connections
from fargate.servers.signals import Stop, on_signals
from fargate.servers.uvicorn_protocol import StrictProtocol
from fargate.settings import Settings

logger = logging.getLogger("fargate")

TURNS_TO_READ = 5
"""In so many turns a loop that was held up accepts a connection and reads its request; then quiet ones are closed."""


class DrainingServer(uvicorn.Server):
    """uvicorn that ends with exit code 0 and loses nothing that was accepted."""

    def __init__(self, config: uvicorn.Config, lifecycle: Lifecycle, settings: Settings) -> None:
        super().__init__(config)
        self._lifecycle = lifecycle
        self._stop = Stop(settings.drain_accept_seconds)
        self._drain_seconds = settings.drain_seconds

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Drain on SIGTERM and SIGINT; uvicorn itself would raise the signal again at the end and so never exit 0."""
        with on_signals(self._stop, self._be_unready):
            yield

    def _be_unready(self) -> None:
        self._lifecycle.phase = Phase.DRAINING

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Start listening; from here on the server is ready, unless it was told to stop already."""
        await super().startup(sockets)
        self._lifecycle.phase = Phase.READY
        if self._stop.is_told:
            self._be_unready()

    async def on_tick(self, counter: int) -> bool:
        """Tell, ten times a second, whether the server is to drain: once no more connections are accepted."""
        return await super().on_tick(counter) or not self._stop.accept_seconds_left

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Stop accepting, let what is on its way arrive, finish it, end within `drain_seconds`."""
        for listener in sockets or []:
            refuse_connections(listener)
        await asyncio.sleep(QUIET_SECONDS)  # the loop accepts what the kernel has accepted, and requests arrive
        for _ in range(TURNS_TO_READ):
            await asyncio.sleep(0)
        try:
            await asyncio.wait_for(super().shutdown(sockets), max(0, self._drain_seconds - QUIET_SECONDS))
        except TimeoutError:
            logger.warning("Requests were still running after %d s", self._drain_seconds)
            logging.getLogger("uvicorn").setLevel(logging.CRITICAL)  # a traceback for each adds nothing


def serve(app: AsgiApp, listener: socket.socket, settings: Settings, lifecycle: Lifecycle) -> None:
    """Serve on a listening socket until SIGTERM or SIGINT, then drain. Call it in the main thread."""
    logging.getLogger("uvicorn").setLevel(logging.ERROR)  # what a client sends wrongly is told to the client
    config = uvicorn.Config(
        app,
        http=StrictProtocol,
        ws="none",
        lifespan="on",
        timeout_keep_alive=settings.keep_alive_seconds,
        h11_max_incomplete_event_size=settings.max_header_bytes,
        proxy_headers=False,  # the gateway decides whom to believe, for every door alike
        server_header=False,
        access_log=False,
        log_config=None,
    )
    DrainingServer(config, lifecycle, settings).run(sockets=[listener])
