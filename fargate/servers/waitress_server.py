"""Serve a WSGI app with waitress behind a load balancer.

Adds to waitress: probes are answered while all threads are busy, a full server closes its idlest connection, SIGTERM
drains, ambiguous framing is refused, errors have API Gateway's shape, and a client can read the response to a body that
was too long.
"""

import logging
import socket
import time

from waitress import wasyncore
from waitress.adjustments import Adjustments
from waitress.server import TcpWSGIServer

from fargate.lifecycle import PROBE_PATHS, QUIET_SECONDS, Lifecycle
from fargate.servers.drain import Drain
from fargate.servers.waitress_channel import Channel
from fargate.settings import MEBIBYTE, Settings
from fargate.threads.thread_pool import ThreadPool
from fargate.wsgi import WsgiAdapter, WsgiApp

logger = logging.getLogger("fargate")

LOOP_SECONDS = 1.0
DRAIN_LOOP_SECONDS = 0.05
NEW_SECONDS = 1.0
SEND_BYTES = 64 * 1024
"""How much of a response is buffered before it is sent, so that head and body leave together."""


class TaskDispatcher:
    """Replaces waitress' threads: some for requests, and one for probes, which never wait behind requests.

    waitress' own dispatcher cannot tell a thread that works from one that waits. A `ThreadPool` lends the place of a
    waiting thread to another. The threads are daemons and are never stopped.
    """

    def __init__(self, threads: int, base_path: str) -> None:
        self._requests = ThreadPool(_serve_next, threads, "waitress")
        self._probes = ThreadPool(_serve_next, 1, "probe")
        self._probe_paths = PROBE_PATHS | {base_path + path for path in PROBE_PATHS}

    def add_task(self, channel: Channel) -> None:
        """Queue a channel's next request."""
        channel.queued_at = time.monotonic()
        is_probe = getattr(channel.requests[0], "path", None) in self._probe_paths
        (self._probes if is_probe else self._requests).add(channel)


def _serve_next(channel: Channel) -> None:
    try:
        channel.service()
    except BaseException:  # the outermost boundary: the thread continues
        logger.exception("A request could not be served")


class WaitressServer(TcpWSGIServer):  # type: ignore[misc]
    """waitress with a connection limit that idle connections cannot exhaust, and a drain."""

    channel_class = Channel

    def __init__(self, app: WsgiApp, listener: socket.socket, settings: Settings, drain: Drain) -> None:
        self.drain = drain
        self.gateway = app.gateway if isinstance(app, WsgiAdapter) else None
        self._is_woken = False
        super().__init__(
            app,
            {},
            _sock=listener,
            dispatcher=TaskDispatcher(settings.threads, settings.base_path),
            adj=_adjustments(settings, listener),
            bind_socket=False,
        )

    def run(self) -> None:
        """Serve until a stop is requested and the time of accepting is over, then finish what was accepted."""
        with self.drain.on_signals(self.wake):
            self.drain.ready()
            while seconds := self.drain.stop.accept_seconds_left:
                self._make_room()
                self._turn(min(seconds, LOOP_SECONDS))
            self._finish()

    def wake(self) -> None:
        """Wake the loop; safe in a signal handler."""
        super().pull_trigger()

    def pull_trigger(self) -> None:
        """Wake the loop to look at all connections again; once until it does."""
        if not self._is_woken:
            self._is_woken = True
            super().pull_trigger()

    def _make_room(self) -> None:
        """Close the connection that has been idle the longest if there is no room for one more.

        Do not call this while the loop is polling: a closed file descriptor may already belong to a new connection.
        """
        if len(self._map) < self.adj.connection_limit:
            return
        idle = [channel for channel in self.active_channels.values() if not channel.is_busy]
        if idle:
            min(idle, key=_closing_order).handle_close()

    def _finish(self) -> None:
        """Stop accepting, finish what was accepted, end within `drain_seconds`."""
        self.drain.refuse_connections()
        self._accept_backlog()
        wasyncore.dispatcher.close(self)  # the listening socket alone: the trigger must go on waking the loop
        deadline = time.monotonic() + self.drain.seconds
        while self.active_channels and time.monotonic() < deadline:
            self._close_quiet_channels()
            self._turn(DRAIN_LOOP_SECONDS)
        if self.active_channels:
            self.drain.warn()

    def _accept_backlog(self) -> None:
        """Accept the connections that wait in the kernel's queue; closing the socket would reset them."""
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
        self._is_woken = False  # before the loop looks at anything: later changes must wake it again
        wasyncore.loop(timeout=seconds, use_poll=True, map=self._map, count=1)


def _closing_order(channel: Channel) -> tuple[bool, float]:
    """The connection that has been idle the longest is closed first.

    A new one that was not read yet is closed last: its request may have arrived while the loop was reading others.
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
        max_request_body_size=settings.max_body_bytes + 1,  # waitress refuses a body of this size
        max_request_header_size=settings.max_header_bytes,
        inbuf_overflow=in_memory,  # bodies stay in memory: the root file system may be read-only
        outbuf_overflow=in_memory,
        send_bytes=SEND_BYTES,
        asyncore_use_poll=True,  # select() ends at file descriptor 1024
        clear_untrusted_proxy_headers=False,  # the gateway decides which proxies to trust, the same for every server
        ident=None,
        expose_tracebacks=False,
    )


def serve(app: WsgiApp, listener: socket.socket, settings: Settings, lifecycle: Lifecycle) -> None:
    """Serve on a listening socket until SIGTERM or SIGINT, then drain; a second Ctrl-C kills the process.

    Call it in the main thread.
    """
    WaitressServer(app, listener, settings, Drain(listener, settings, lifecycle)).run()
