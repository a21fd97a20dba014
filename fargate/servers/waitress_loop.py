"""The poll of waitress' loop, which looks only at connections that have an event or that a thread may have changed.

waitress asks every connection before each poll: with 1,000 open ones that takes 4 ms for each request. What must hold:
a connection that is not settled stays in the loop's view, since the thread that serves it changes what it waits for.
"""

import contextlib
import select
from typing import Any

from waitress import wasyncore

READ = select.POLLIN  # not urgent data (POLLPRI): waitress logs a line for it again and again
WRITE = select.POLLOUT
ENDED = select.POLLHUP | select.POLLERR


class PolledMap(dict[int, Any]):
    """waitress' map of dispatchers by file descriptor, registered with the kernel as they come and go.

    Interest in an event is added before a poll, and removed only when an unwanted event comes: a connection that sends
    nothing while its request is served costs no system call.
    """

    def __init__(self) -> None:
        super().__init__()
        self._is_epoll = hasattr(select, "epoll")
        self._poll: Any = select.epoll() if self._is_epoll else select.poll()
        self._armed: dict[int, int] = {}  # the events that the kernel reports
        self._unsettled: set[int] = set()

    def __setitem__(self, descriptor: int, dispatcher: Any) -> None:
        super().__setitem__(descriptor, dispatcher)
        self._arm(descriptor, READ)

    def __delitem__(self, descriptor: int) -> None:
        super().__delitem__(descriptor)
        self._unsettled.discard(descriptor)
        self._arm(descriptor, 0)

    def watch(self, descriptor: int) -> None:
        """Ask a dispatcher before each poll, until it is settled: what it waits for changes without an event."""
        if descriptor in self:
            self._unsettled.add(descriptor)

    def turn(self, seconds: float) -> None:
        """Poll once, for so many seconds at most, and have the dispatchers handle their events.

        New connections are accepted last: they may get the file descriptors of those that this turn closes.
        """
        self._look_at_unsettled()
        listener = None
        for descriptor, events in self._poll.poll(seconds if self._is_epoll else seconds * 1000):
            dispatcher = self.get(descriptor)
            if dispatcher is not None and dispatcher.accepting:
                listener = descriptor, dispatcher, events
            elif dispatcher is not None:
                self._handle(descriptor, dispatcher, events)
        if listener is not None:
            self._handle(*listener)

    def _look_at_unsettled(self) -> None:
        for descriptor in tuple(self._unsettled):
            dispatcher = self.get(descriptor)
            if dispatcher is None or dispatcher.is_settled:
                self._unsettled.discard(descriptor)
            if dispatcher is not None:
                self._arm(descriptor, self._armed.get(descriptor, 0) | _interest(dispatcher))

    def _handle(self, descriptor: int, dispatcher: Any, events: int) -> None:
        wanted = _interest(dispatcher)
        if wanted and events & (wanted | ENDED):
            wasyncore.readwrite(dispatcher, events & (wanted | ENDED))
        else:
            self._arm(descriptor, wanted)
            self.watch(descriptor)
        if not getattr(dispatcher, "is_settled", True):
            self.watch(descriptor)

    def _arm(self, descriptor: int, events: int) -> None:
        """Have the kernel report these events of a file descriptor; with none, not even its end."""
        armed = self._armed.pop(descriptor, 0)
        if events:
            self._armed[descriptor] = events
        if events == armed:
            return
        with contextlib.suppress(OSError, KeyError):  # it is closed already
            if not events:
                self._poll.unregister(descriptor)
            elif armed:
                self._poll.modify(descriptor, events)
            else:
                self._poll.register(descriptor, events)


def _interest(dispatcher: Any) -> int:
    """Return the events that a connection, the listening socket or the trigger waits for now."""
    return (READ if dispatcher.readable() else 0) | (WRITE if dispatcher.writable() else 0)
