"""Serve a WSGI app with waitress behind a load balancer.

Adds to waitress: probes are answered while all threads are busy, a full server closes its idlest connection, slow
clients are ended, SIGTERM drains, ambiguous framing is refused, errors have API Gateway's shape, and a client can read
the response to a body that was too long.
"""

import itertools
import logging
import math
import socket
import time
from collections.abc import Iterator

from waitress import wasyncore
from waitress.adjustments import Adjustments
from waitress.server import TcpWSGIServer

from fargate.lifecycle import PROBE_PATHS, QUIET_SECONDS, Lifecycle
from fargate.patches.waitress_chunks import end_size_lines
from fargate.servers.drain import Drain
from fargate.servers.limits import AGAIN_SECONDS, NO_DESCRIPTOR, SPARE_DESCRIPTORS, SWEEP_SECONDS, limits_of
from fargate.servers.waitress_channel import Channel
from fargate.servers.waitress_loop import PolledMap
from fargate.settings import MEBIBYTE, Settings
from fargate.threads.thread_pool import ThreadPool
from fargate.wsgi import WsgiAdapter, WsgiApp

logger = logging.getLogger("fargate")

LOOP_SECONDS = 1.0
DRAIN_LOOP_SECONDS = 0.05
NEW_SECONDS = 1.0
ACCEPTS_A_TURN = 64
"""How many connections are accepted before the others are looked at again."""
PAUSE_SECONDS = 0.5
"""How long no connection is accepted after a lack of file descriptors, if none can be closed."""
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
    """waitress with a connection limit that idle connections cannot exhaust, limits for slow clients, and a drain."""

    channel_class = Channel

    def __init__(self, app: WsgiApp, listener: socket.socket, settings: Settings, drain: Drain) -> None:
        self.drain = drain
        self.gateway = app.gateway if isinstance(app, WsgiAdapter) else None
        self._is_woken = False
        self._limits = limits_of(settings)
        self._swept_at = time.monotonic()
        self._limit = self._most = settings.connection_limit
        self._is_full = False
        self._lowered_until = self._pauses_until = 0.0
        self._warned_at: dict[str, float] = {}
        super().__init__(
            app,
            PolledMap(),
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
                self._turn(min(seconds, LOOP_SECONDS))
            self._finish()

    def wake(self) -> None:
        """Wake the loop; safe in a signal handler."""
        super().pull_trigger()

    def pull_trigger(self) -> None:
        """Wake the loop to look at connections that threads have changed; once until it does."""
        if not self._is_woken:
            self._is_woken = True
            super().pull_trigger()

    def watch(self, channel: Channel) -> None:
        """Look at a connection before each poll until it is settled."""
        self._map.watch(channel._fileno)

    def readable(self) -> bool:
        """Whether the loop accepts connections: there is room, or an idle one to close."""
        return not self._is_full

    @property
    def is_settled(self) -> bool:
        """Whether the loop need not look for room."""
        self._is_full = self._is_full and not self._has_room()
        return not self._is_full

    def handle_accept(self) -> None:
        """Accept connections that wait; each that is beyond the limit closes the one that has been idle the longest.

        Those that were accepted in the same turn are not closed: the loop has not read them yet.
        """
        begun = time.monotonic()
        idlest: Iterator[Channel] | None = None
        for _ in range(ACCEPTS_A_TURN):
            closing = None
            if len(self.active_channels) >= self._most:
                idlest = idlest or self._idlest(begun)
                closing = next(idlest, None)
                if closing is None:
                    self._stop_if_full()
                    return
            if not self._accept():
                return
            if closing is not None:
                closing.handle_close()

    def _accept(self) -> bool:
        """Accept one connection, if one waits."""
        before = len(self.active_channels)
        try:
            accepted = self.accept()
        except OSError as error:
            if error.errno in NO_DESCRIPTOR:
                self._lower_limit()
            return False
        if accepted is not None:
            self.channel_class(self, accepted[0], accepted[1], self.adj, map=self._map)
        return len(self.active_channels) > before

    def _lower_limit(self) -> None:
        """Keep fewer connections for a while: the process has no file descriptor left, and stores need some, too."""
        now = time.monotonic()
        self._most, self._lowered_until = max(1, len(self.active_channels) - SPARE_DESCRIPTORS), now + AGAIN_SECONDS
        self._warn("No file descriptor is left for new connections: %d are kept at the most", self._most)
        surplus = list(itertools.islice(self._idlest(now), len(self.active_channels) - self._most))
        for channel in surplus:
            channel.handle_close()
        if not surplus:
            self._pauses_until = now + PAUSE_SECONDS
            self._stop_accepting()

    def _stop_if_full(self) -> None:
        if next(self._idle(), None) is None:
            self._stop_accepting()
            self._warn("All %d connections are busy: new ones wait (CONNECTION_LIMIT)", self._most)

    def _stop_accepting(self) -> None:
        """Leave new connections to the kernel until there is room."""
        self._is_full = True
        self._map.watch(self._fileno)

    def _has_room(self) -> bool:
        if time.monotonic() < self._pauses_until:
            return False
        return len(self.active_channels) < self._most or next(self._idle(), None) is not None

    def _warn(self, text: str, *values: object) -> None:
        """Log a warning, the same once a minute at the most."""
        now = time.monotonic()
        if now >= self._warned_at.get(text, -math.inf) + AGAIN_SECONDS:
            self._warned_at[text] = now
            logger.warning(text, *values)

    def _idlest(self, until: float) -> Iterator[Channel]:
        """Return the idle connections that were accepted before a time, in the order in which they are closed."""
        return iter(sorted((each for each in self._idle() if each.creation_time < until), key=_closing_order))

    def _idle(self) -> Iterator[Channel]:
        return (channel for channel in self.active_channels.values() if not channel.is_busy)

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
        while self._accept():
            pass

    def _close_quiet_channels(self) -> None:
        cutoff = time.monotonic() - QUIET_SECONDS
        for channel in list(self.active_channels.values()):
            if not channel.is_busy and not channel.is_receiving and channel.last_activity < cutoff:
                channel.handle_close()

    def _turn(self, seconds: float) -> None:
        self._is_woken = False  # before the loop looks at anything: later changes must wake it again
        self._map.turn(seconds)
        now = time.monotonic()
        if now - self._swept_at >= SWEEP_SECONDS:
            self._swept_at = now
            self._most = self._most if now < self._lowered_until else self._limit
            for channel in list(self.active_channels.values()):
                channel.sweep(self._limits, now)


def _closing_order(channel: Channel) -> tuple[bool, float]:
    """The connection that has been idle the longest is closed first.

    A new one that was not read yet is closed last: its request may have arrived while the loop was reading others.
    """
    is_unread = channel.last_activity == channel.creation_time
    is_new = time.monotonic() - channel.creation_time < NEW_SECONDS
    return is_unread and is_new, float(channel.last_activity)


def _adjustments(settings: Settings, listener: socket.socket) -> Adjustments:
    in_memory = settings.max_body_bytes + MEBIBYTE
    return Adjustments(
        sockets=[listener],
        threads=settings.threads,
        max_request_body_size=settings.max_body_bytes + 1,  # waitress refuses a body of this size
        max_request_header_size=settings.max_header_bytes,
        inbuf_overflow=in_memory,  # bodies stay in memory: the root file system may be read-only
        outbuf_overflow=in_memory,
        send_bytes=SEND_BYTES,
        clear_untrusted_proxy_headers=False,  # the gateway decides which proxies to trust, the same for every server
        ident=None,
        expose_tracebacks=False,
    )


def serve(app: WsgiApp, listener: socket.socket, settings: Settings, lifecycle: Lifecycle) -> None:
    """Serve on a listening socket until SIGTERM or SIGINT, then drain; a second Ctrl-C kills the process.

    Call it in the main thread.
    """
    end_size_lines()
    WaitressServer(app, listener, settings, Drain(listener, settings, lifecycle)).run()
