"""Connections that are kept between uses: what SQLAlchemy's QueuePool does, without the toolkit that comes with it.

The connection that came back last is lent first, so that a quiet task keeps few of them busy. Who has to wait for one
waits at the turnstile (`chalicelib.database.fair_semaphore`), which is what bounds their number; here nobody waits.

What must hold: every connection that was opened is lent to one borrower, or idle, or closed.
"""

import threading
from collections.abc import Callable
from typing import Generic, Protocol, TypeVar


class Closable(Protocol):
    """What is pooled."""

    def close(self) -> None:
        """End the connection; raises nothing."""


C = TypeVar("C", bound=Closable)


class ConnectionPool(Generic[C]):
    """Lends connections and keeps them. Thread-safe. Its figures have the names of SQLAlchemy's.

    Args:
        open_: opens a connection; what it raises reaches the borrower.
        is_fit: whether a kept connection may be lent again; asked before each time, so it must cost little.
        size: how many connections there may be; the callers see to that.
    """

    def __init__(self, open_: Callable[[], C], is_fit: Callable[[C], bool], size: int) -> None:
        self._open = open_
        self._is_fit = is_fit
        self._size = size
        self._lock = threading.Lock()
        self._idle: list[C] = []  # the last is lent first
        self._lent = 0
        self._closed = False

    def take(self) -> C:
        """Lend the connection that came back last; a new one where there is none, or that one is no longer fit."""
        with self._lock:
            kept = self._idle.pop() if self._idle else None
            self._lent += 1
        try:
            if kept is not None:
                if self._is_fit(kept):
                    return kept
                kept.close()
            return self._open()
        except BaseException:
            self._forget_one()
            raise

    def give_back(self, connection: C) -> None:
        """Keep a connection for the next borrower; in a pool that was closed meanwhile, close it."""
        with self._lock:
            self._lent -= 1
            if not self._closed:
                self._idle.append(connection)
                return
        connection.close()

    def discard(self, connection: C) -> None:
        """Take a connection back, and close it."""
        connection.close()
        self._forget_one()

    def close(self) -> None:
        """Close the idle connections now, and those that are lent when they come back."""
        with self._lock:
            self._closed = True
            idle, self._idle = self._idle, []
        for connection in idle:
            connection.close()

    def checkedout(self) -> int:
        """How many are lent."""
        return self._lent

    def checkedin(self) -> int:
        """How many are idle."""
        return len(self._idle)

    def size(self) -> int:
        """How many there may be."""
        return self._size

    def _forget_one(self) -> None:
        """Count out one that is no longer lent, and not kept either."""
        with self._lock:
            self._lent -= 1
