"""Waiting in the main thread, where Python runs the handlers of signals."""

import contextlib
import queue
from typing import TypeVar

T = TypeVar("T")

LOOK_SECONDS = 0.5
"""The longest that a signal waits for its handler."""


def taken(arrivals: "queue.SimpleQueue[T]") -> T:
    """Wait for what a signal handler puts into a queue, and take it. Call it in the main thread.

    A `get` without a time limit may wait for ever: a signal does not wake the main thread if it arrives just before
    that waits, or in another thread. Its handler runs when the main thread looks again.
    """
    while True:
        with contextlib.suppress(queue.Empty):
            return arrivals.get(timeout=LOOK_SECONDS)
