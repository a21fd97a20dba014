"""A circuit breaker: after a few failures in a row a dead store is left alone, but for one probe at a time.

What must hold: while open, at most one caller per `pause` is let through, and one success closes it again.
"""

import threading
import time
from collections.abc import Callable

FAILURES_TO_OPEN = 3
PAUSE_SECONDS = 1.0


class Breaker:
    """Counts consecutive failures of a store and says whether to ask it. Safe to share by threads."""

    def __init__(
        self,
        failures_to_open: int = FAILURES_TO_OPEN,
        pause_seconds: float = PAUSE_SECONDS,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._failures_to_open = failures_to_open
        self._pause_seconds = pause_seconds
        self._clock = clock
        self._lock = threading.Lock()
        self._failures = 0
        self._next_probe = 0.0  # on the clock; of meaning only while open

    @property
    def is_open(self) -> bool:
        """Whether the store is being left alone."""
        return self._failures >= self._failures_to_open

    def allows(self) -> bool:
        """Whether to ask the store now. While open, True once per pause: that caller is the probe."""
        if not self.is_open:
            return True
        with self._lock:
            now = self._clock()
            if self.is_open and now < self._next_probe:
                return False
            self._next_probe = now + self._pause_seconds
            return True

    def succeeded(self) -> None:
        """Report that the store answered."""
        if self._failures:
            with self._lock:
                self._failures = 0

    def failed(self) -> None:
        """Report that the store did not answer."""
        with self._lock:
            self._failures += 1
            if self.is_open:
                self._next_probe = self._clock() + self._pause_seconds
