"""Let a handler wait without blocking other requests.

`THREADS` is the number of permits: how many requests are handled at the same time. A handler that only waits lends its
permit, and takes one back before it continues (as `ForkJoinPool.managedBlock` does in Java). Threads of other origin,
as on Lambda or in a script, have no permit; there the functions of this module only wait.
"""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Protocol

from chalice.app import Chalice

ATTRIBUTE = "wait_with"
"""Attribute of an app: a function that the adapter calls with `sleep`. The app need not import this package then."""


class Lender(Protocol):
    """A pool whose threads hold permits."""

    def lend(self) -> bool:
        """Lend the calling thread's permit; return False if the thread keeps it."""

    def take_back(self) -> None:
        """Wait until the calling thread, which has lent its permit, has one again."""


class _Thread(threading.local):
    lender: Lender | None = None  # the pool whose permit this thread holds


_thread = _Thread()


def set_lender(lender: Lender) -> None:
    """Record that the calling thread holds a permit of this pool."""
    _thread.lender = lender


@contextmanager
def lent_permit() -> Iterator[None]:
    """Lend this thread's permit during a block that only waits. The block must hold no lock or connection."""
    lender = _thread.lender
    if lender is None or not lender.lend():
        yield
        return
    _thread.lender = None  # nested blocks have no permit to lend
    try:
        yield
    finally:
        lender.take_back()
        _thread.lender = lender


def sleep(seconds: float, /) -> None:
    """Sleep like `time.sleep`, with this thread's permit lent."""
    with lent_permit():
        time.sleep(seconds)


def offer_sleep(app: Chalice) -> None:
    """Call the app's `wait_with`, if it has one, with `sleep`."""
    wait_with = getattr(app, ATTRIBUTE, None)
    if wait_with is not None:
        wait_with(sleep)
