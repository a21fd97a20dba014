"""Waiting in the main thread, where Python runs the handlers of signals.

What must hold: no wait is longer than `LOOK_SECONDS`. A signal does not wake the main thread if it arrives just before
that waits, or in another thread; its handler runs when the main thread looks again.
"""

import math
import queue
import threading
import time
from typing import TypeVar

T = TypeVar("T")

LOOK_SECONDS = 0.5
"""The longest that a signal waits for its handler."""


def taken(arrivals: "queue.SimpleQueue[T]", seconds: float = math.inf) -> T:
    """Wait so long for what a signal handler puts into a queue, and take it.

    Raises:
        queue.Empty: nothing has come.
    """
    ends = time.monotonic() + seconds
    while True:
        left = max(0.0, ends - time.monotonic())
        try:
            return arrivals.get(timeout=min(left, LOOK_SECONDS))
        except queue.Empty:
            if left <= LOOK_SECONDS:
                raise


def join(thread: threading.Thread, seconds: float) -> None:
    """Wait so long for the end of a thread."""
    ends = time.monotonic() + seconds
    while thread.is_alive() and (left := ends - time.monotonic()) > 0:
        thread.join(min(left, LOOK_SECONDS))
