"""How a handler waits without keeping its thread's place from other requests.

`THREADS` bounds how many requests are handled at the same time. A handler that only waits lends its place to another
request meanwhile, and takes one back before it goes on (as `ForkJoinPool.managedBlock` does in Java). In threads that
no pool of ours has started, on Lambda or in a script, there is no place to lend: waiting is just waiting.
"""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Protocol

from chalice.app import Chalice

ATTRIBUTE = "wait_with"
"""What an app may offer, to be called with `sleep`: one that imports nothing from here, as it also runs elsewhere."""


class Lender(Protocol):
    """What has places for threads."""

    def lend(self) -> bool:
        """Lend the calling thread's place; return False where it must keep it."""

    def take_back(self) -> None:
        """Wait until the calling thread, whose place was lent, has one again."""


class _Here(threading.local):
    lender: Lender | None = None  # whose place this thread holds


_here = _Here()


def hold_place_of(lender: Lender) -> None:
    """Say whose place the calling thread holds, once for each thread."""
    _here.lender = lender


@contextmanager
def lent_place() -> Iterator[None]:
    """Lend this thread's place for the length of a block that only waits; the block holds nothing that others need."""
    lender = _here.lender
    if lender is None or not lender.lend():
        yield
        return
    _here.lender = None  # there is no second place to lend inside the block
    try:
        yield
    finally:
        lender.take_back()
        _here.lender = lender


def sleep(seconds: float, /) -> None:
    """Do as `time.sleep` does, with this thread's place lent."""
    with lent_place():
        time.sleep(seconds)


def offer_sleep(app: Chalice) -> None:
    """Give an app that asks for it `sleep` to wait with."""
    wait_with = getattr(app, ATTRIBUTE, None)
    if wait_with is not None:
        wait_with(sleep)
