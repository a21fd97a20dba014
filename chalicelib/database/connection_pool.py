"""Open connections, kept for reuse: the part of SQLAlchemy's QueuePool that the shop needs (docs/decisions/start.md).

Last in, first out, so that a quiet task uses few of its connections. Waiting for a free connection happens before, in
`chalicelib.database.fair_semaphore`, which also limits how many there are.

Every open connection is either lent to one borrower or idle.
"""

import threading
from collections.abc import Callable
from typing import Generic, Protocol, TypeVar


class Closable(Protocol):
    """A pooled connection."""

    def close(self) -> None:
        """Close the connection; raises nothing."""


C = TypeVar("C", bound=Closable)


class ConnectionPool(Generic[C]):
    """Lends connections and keeps them. Thread-safe. The names of its methods are SQLAlchemy's.

    Args:
        open_: opens a connection; what it raises reaches the borrower.
        is_usable: whether an idle connection may be lent. Called at each checkout, so it must be cheap.
        size: the number of connections that `size()` reports; callers enforce it.
    """

    def __init__(self, open_: Callable[[], C], is_usable: Callable[[C], bool], size: int) -> None:
        self._open = open_
        self._is_usable = is_usable
        self._size = size
        self._lock = threading.Lock()
        self._idle: list[C] = []  # the last one is lent first
        self._lent = 0
        self._closed = False

    def checkout(self) -> C:
        """Lend the connection that was returned last; open a new one if there is none, or it is not usable."""
        with self._lock:
            idle = self._idle.pop() if self._idle else None
            self._lent += 1
        try:
            if idle is not None:
                if self._is_usable(idle):
                    return idle
                idle.close()
            return self._open()
        except BaseException:
            self._count_returned()
            raise

    def checkin(self, connection: C) -> None:
        """Take a connection back and keep it; close it if the pool was closed in between."""
        with self._lock:
            self._lent -= 1
            if not self._closed:
                self._idle.append(connection)
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

    def _count_returned(self) -> None:
        with self._lock:
            self._lent -= 1
