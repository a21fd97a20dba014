"""Open connections, kept for reuse: the part of SQLAlchemy's QueuePool that the shop needs (docs/decisions/start.md).

Last in, first out, so that a quiet task uses few of its connections. Waiting for a free connection happens before, in
`chalicelib.database.fair_semaphore`, which also limits how many there are. A borrower waits here only where it cannot
open a connection, as while a password rotates, and others are open: it gets one of those.

Every open connection is either lent to one borrower or idle.
"""

import threading
import time
from collections import deque
from collections.abc import Callable
from typing import Generic, Protocol, TypeVar

RETRY_SECONDS = 0.1  # between two tries to open a connection, while the borrower waits for one that is open


class Closable(Protocol):
    """A pooled connection."""

    def close(self) -> None:
        """Close the connection; raises nothing."""


C = TypeVar("C", bound=Closable)


class _Waiter(Generic[C]):
    """A borrower that waits for a connection of another one."""

    def __init__(self) -> None:
        self.connection: C | None = None
        self.is_served = threading.Event()


class ConnectionPool(Generic[C]):
    """Lends connections and keeps them. Thread-safe. The names of its methods are SQLAlchemy's.

    Args:
        open_: opens a connection; what it raises reaches the borrower.
        is_usable: whether an idle connection may be lent. Called at each checkout, so it must be cheap.
        size: the number of connections that `size()` reports; callers enforce it.
        cannot_open: what `open_` raises where another borrower's connection may do instead.
    """

    def __init__(
        self,
        open_: Callable[[], C],
        is_usable: Callable[[C], bool],
        size: int,
        cannot_open: tuple[type[Exception], ...] = (),
    ) -> None:
        self._open = open_
        self._is_usable = is_usable
        self._size = size
        self._cannot_open = cannot_open
        self._lock = threading.Lock()
        self._idle: list[C] = []  # the last one is lent first
        self._waiters: deque[_Waiter[C]] = deque()
        self._lent = 0
        self._without = 0  # borrowers that are counted as lent, but have no connection yet
        self._closed = False

    @property
    def is_any_open(self) -> bool:
        """Whether there is an open connection, lent or idle and usable."""
        with self._lock:
            return self._lent > self._without or any(map(self._is_usable, self._idle))

    def checkout(self, seconds: float = 0.0) -> C:
        """Lend the connection that was returned last; open a new one if there is none, or it is not usable.

        If opening fails while others are open, wait up to `seconds` for one that is returned, and try again meanwhile.
        """
        with self._lock:
            idle = self._idle.pop() if self._idle else None
            self._lent += 1
        try:
            if idle is not None:
                if self._is_usable(idle):
                    return idle
                idle.close()
        except BaseException:
            self._count_returned()
            raise
        return self._opened_or_returned(seconds)

    def checkin(self, connection: C) -> None:
        """Take a connection back and keep it; close it if the pool was closed in between."""
        with self._lock:
            self._lent -= 1
            if not self._closed:
                self._keep(connection)
                return
        connection.close()

    def discard(self, connection: C) -> None:
        """Take a connection back and close it."""
        connection.close()
        self._count_returned()

    def close(self) -> None:
        """Close idle connections now, and lent ones when they are returned."""
        with self._lock:
            self._closed = True
            idle, self._idle = self._idle, []
        for connection in idle:
            connection.close()

    def checkedout(self) -> int:
        """Return how many connections are lent."""
        return self._lent

    def checkedin(self) -> int:
        """Return how many connections are idle."""
        return len(self._idle)

    def size(self) -> int:
        """Return how many connections there may be."""
        return self._size

    def _keep(self, connection: C) -> None:
        """Hand the connection to the borrower that has waited longest; without one, it is idle."""
        if not self._waiters:
            self._idle.append(connection)
            return
        waiter = self._waiters.popleft()
        waiter.connection = connection
        self._without -= 1
        waiter.is_served.set()

    def _opened_or_returned(self, seconds: float) -> C:
        self._count_without(1)
        try:
            return self._first_of_both(time.monotonic() + seconds)
        except BaseException:
            with self._lock:
                self._without -= 1
                self._lent -= 1
            raise

    def _first_of_both(self, deadline: float) -> C:
        while True:
            was_any_open = self.is_any_open  # if the last one closes meanwhile, opening may wait longer: try once more
            try:
                opened = self._open()
            except self._cannot_open:
                left = deadline - time.monotonic()
                if left <= 0 or not was_any_open:
                    raise
            else:
                self._count_without(-1)
                return opened
            returned = self._returned(min(left, RETRY_SECONDS)) if self.is_any_open else None
            if returned is not None:
                if self._is_usable(returned):
                    return returned
                returned.close()
                self._count_without(1)

    def _returned(self, seconds: float) -> C | None:
        """Wait for a connection of another borrower; None: there was none in time."""
        waiter = _Waiter[C]()
        with self._lock:
            if self._idle:
                self._without -= 1
                return self._idle.pop()
            self._waiters.append(waiter)
        waiter.is_served.wait(seconds)
        with self._lock:
            if waiter in self._waiters:
                self._waiters.remove(waiter)
        return waiter.connection

    def _count_without(self, change: int) -> None:
        with self._lock:
            self._without += change

    def _count_returned(self) -> None:
        with self._lock:
            self._lent -= 1
