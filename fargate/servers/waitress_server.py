"""Serve a WSGI app with waitress, made fit for a container behind a load balancer.

What waitress does not do by itself: answer probes while all threads are busy, make room when idle connections fill the
limit, drain on SIGTERM, refuse ambiguous framing, word its own errors as API Gateway does, and let a client read the
answer to a body that was too long.
"""

import logging
import socket
import time

from waitress import wasyncore
from waitress.adjustments import Adjustments
from waitress.server import TcpWSGIServer

from fargate.lifecycle import PROBE_PATHS, QUIET_SECONDS, Lifecycle, Phase
from fargate.servers.listening import refuse_connections
from fargate.servers.signals import Stop, on_signals
from fargate.servers.waitress_channel import Channel
from fargate.settings import MEBIBYTE, Settings
from fargate.threads.thread_pool import ThreadPool
from fargate.wsgi import WsgiApp

logger = logging.getLogger("fargate")

LOOP_SECONDS = 1.0
DRAIN_LOOP_SECONDS = 0.05
NEW_SECONDS = 1.0
SEND_BYTES = 64 * 1024
"""How much of an answer gathers before it is sent: a head and its body go in one piece."""


class Lanes:
    """Threads for requests, in the place of waitress' own, and one apart for probes, which never wait behind others.

    waitress' dispatcher cannot tell a thread that works from one that waits; a `ThreadPool` lends the latter's place.
    Nothing ends the threads: they are daemons.
    """

    def __init__(self, threads: int, base_path: str) -> None:
        self._requests = ThreadPool(_serve_next, threads, "waitress")
        self._probes = ThreadPool(_serve_next, 1, "probe")
        self._probe_paths = PROBE_PATHS | {base_path + path for path in PROBE_PATHS}

    def add_task(self, channel: Channel) -> None:
        """Queue a channel's next request."""
        channel.queued_at = time.monotonic()
        lane = self._probes if getattr(channel.requests[0], "path", None) in self._probe_paths else self._requests
        lane.add(channel)


def _serve_next(channel: Channel) -> None:
    try:
        channel.service()
    except BaseException:  # the outermost boundary: the thread goes on
        logger.exception("A request could not be served")


class DrainingServer(TcpWSGIServer):  # type: ignore[misc]
    """waitress with a connection limit that cannot be clogged, and an orderly end."""

    channel_class = Channel

    def __init__(self, app: WsgiApp, listener: socket.socket, settings: Settings, lifecycle: Lifecycle) -> None:
        self.lifecycle = lifecycle
        self.stop = Stop(settings.drain_accept_seconds)
        self._drain_seconds = settings.drain_seconds
        self._is_woken = False
        super().__init__(
            app,
            {},
            _sock=listener,
            dispatcher=Lanes(settings.threads, settings.base_path),
            adj=_adjustments(settings, listener),
            bind_socket=False,
        )

    def _make_room(self) -> None:
        """Close the connection that has been quiet the longest, where one more would be too many.

        Never while the loop asks its connections what they wait for: it would go on to ask the closed one, and take
        whoever gets its file descriptor next for it.
        """
        if len(self._map) < self.adj.connection_limit:
            return
        waiting = [channel for channel in self.active_channels.values() if not channel.is_busy]
        if waiting:
            min(waiting, key=_worth).handle_close()

    def wake(self) -> None:
        """Have the loop see that it was told to stop; safe in a signal handler."""
        super().pull_trigger()

    def pull_trigger(self) -> None:
        """Have the loop look at all connections anew; once is enough until it does."""
        if not self._is_woken:
            self._is_woken = True
            super().pull_trigger()

    def run(self) -> None:
        """Serve until told to stop, accept connections for as long as the settings say, then drain."""
        self.lifecycle.phase = Phase.READY
        while not self.stop.is_told:
            self._serve_once(LOOP_SECONDS)
        self.lifecycle.phase = Phase.DRAINING
        while seconds := self.stop.accept_seconds_left:
            self._serve_once(min(seconds, LOOP_SECONDS))
        self._drain()

    def _serve_once(self, seconds: float) -> None:
        self._make_room()
        self._turn(seconds)

    def _drain(self) -> None:
        """Stop accepting, finish what was accepted, end within `drain_seconds`."""
        refuse_connections(self.socket)
        self._accept_backlog()
        wasyncore.dispatcher.close(self)  # the listening socket alone: the trigger goes on waking the loop
        begun = time.monotonic()
        while self.active_channels and time.monotonic() - begun < self._drain_seconds:
            self._close_quiet_channels()
            self._turn(DRAIN_LOOP_SECONDS)
        if self.active_channels:
            logger.warning("%d connections were still busy after %d s", len(self.active_channels), self._drain_seconds)

    def _accept_backlog(self) -> None:
        """Take the connections that the kernel has already accepted for us; closing now would reset them."""
        while True:
            before = len(self.active_channels)
            self.handle_accept()
            if len(self.active_channels) <= before:
                return

    def _close_quiet_channels(self) -> None:
        cutoff = time.time() - QUIET_SECONDS
        for channel in list(self.active_channels.values()):
            if not channel.is_busy and channel.request is None and channel.last_activity < cutoff:
                channel.handle_close()

    def _turn(self, seconds: float) -> None:
        self._is_woken = False  # before anything is looked at: whatever changes from now on wakes the loop again
        wasyncore.loop(timeout=seconds, use_poll=True, map=self._map, count=1)


def _worth(channel: Channel) -> tuple[bool, float]:
    """Say which of two connections goes first: the one that has been quiet for longer.

    A new one that nobody has read yet goes last: its request may have come, while the loop was reading others.
    """
    is_unread = channel.last_activity == channel.creation_time
    is_new = time.time() - channel.creation_time < NEW_SECONDS
    return is_unread and is_new, float(channel.last_activity)


def _adjustments(settings: Settings, listener: socket.socket) -> Adjustments:
    in_memory = settings.max_body_bytes + MEBIBYTE
    return Adjustments(
        sockets=[listener],
        threads=settings.threads,
        connection_limit=settings.connection_limit,
        channel_timeout=settings.keep_alive_seconds,
        cleanup_interval=5,
        max_request_body_size=settings.max_body_bytes + 1,  # waitress refuses what reaches this size
        max_request_header_size=settings.max_header_bytes,
        inbuf_overflow=in_memory,  # bodies stay in memory: the root file system may be read-only
        outbuf_overflow=in_memory,
        send_bytes=SEND_BYTES,
        asyncore_use_poll=True,  # select() ends at file descriptor 1024
        clear_untrusted_proxy_headers=False,  # the gateway decides whom to believe, for every door alike
        ident=None,
        expose_tracebacks=False,
    )


def serve(app: WsgiApp, listener: socket.socket, settings: Settings, lifecycle: Lifecycle) -> None:
    """Serve on a listening socket until SIGTERM or SIGINT, then drain; a second Ctrl-C ends at once.

    Call it in the main thread.
    """
    server = DrainingServer(app, listener, settings, lifecycle)
    with on_signals(server.stop, server.wake):
        server.run()
