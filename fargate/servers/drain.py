"""How a server ends on SIGTERM: accept connections for a while, then refuse them, finish open requests, exit 0.

A `Drain` does what all servers have in common.
"""

import asyncio
import contextlib
import logging
import socket
from collections.abc import Awaitable, Callable, Iterator

from fargate.lifecycle import QUIET_SECONDS, Lifecycle, Phase
from fargate.servers.listening import refuse_connections
from fargate.servers.signals import Stop, on_signals
from fargate.settings import Settings

logger = logging.getLogger("fargate")

TURNS_TO_READ = 5
"""Turns of the event loop in which it accepts a pending connection and reads its request."""


class Drain:
    """The end of one server.

    Args:
        listener: the listening socket.
        settings: `drain_accept_seconds` and `drain_seconds`.
        lifecycle: gets the server's phase.
    """

    def __init__(self, listener: socket.socket, settings: Settings, lifecycle: Lifecycle) -> None:
        self.stop = Stop(settings.drain_accept_seconds)
        self.seconds = settings.drain_seconds
        self._listener = listener
        self.lifecycle = lifecycle

    @contextlib.contextmanager
    def on_signals(self, wake: Callable[[], None] = lambda: None) -> Iterator[None]:
        """Handle SIGTERM and SIGINT while the block runs; call `wake` after each. Use it in the main thread."""

        def begin() -> None:
            self.lifecycle.phase = Phase.DRAINING
            wake()

        with on_signals(self.stop, begin):
            yield

    def ready(self) -> None:
        """The server listens: it is ready, unless a signal has come before."""
        self.lifecycle.phase = Phase.READY
        if self.stop.is_requested:
            self.lifecycle.phase = Phase.DRAINING

    def refuse_connections(self) -> None:
        refuse_connections(self._listener)

    async def finish(self, close: Callable[[], Awaitable[object]]) -> bool:
        """Refuse connections, let pending requests arrive, then await `close()`.

        Returns:
            Whether that took no longer than `drain_seconds`; else `close()` was cancelled.
        """
        self.refuse_connections()
        await asyncio.sleep(QUIET_SECONDS)  # the loop accepts pending connections and reads their requests
        for _ in range(TURNS_TO_READ):  # even if it was blocked all the time
            await asyncio.sleep(0)
        try:
            await asyncio.wait_for(close(), max(0, self.seconds - QUIET_SECONDS))
        except TimeoutError:
            self.warn()
            return False
        return True

    def warn(self) -> None:
        """Log that requests are cut off."""
        logger.warning("Requests were still running after %d s", self.seconds)
