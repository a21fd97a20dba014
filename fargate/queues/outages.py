"""How long to wait while SQS fails, and the two log lines about it."""

import logging
import random
import threading
import time
from collections.abc import Callable

logger = logging.getLogger("fargate")

SHORTEST_WAIT_SECONDS, LONGEST_WAIT_SECONDS = 1.0, 30.0


class Outage:
    """Whether requests about one queue fail. Thread-safe.

    Args:
        queue: the queue's name.
        clock: monotonic seconds.
        jitter: returns a factor, so that threads and tasks do not all come back at once.
    """

    def __init__(
        self,
        queue: str,
        clock: Callable[[], float] = time.monotonic,
        jitter: Callable[[], float] = lambda: random.uniform(0.5, 1),  # noqa: S311
    ) -> None:
        self._queue = queue
        self._clock = clock
        self._jitter = jitter
        self._lock = threading.Lock()
        self._began: float | None = None

    def failed(self, error: Exception) -> float:
        """Record that a request failed; return the seconds to wait: as long as it has lasted, within limits."""
        with self._lock:
            if self._began is None:
                self._began = self._clock()
                logger.warning("Queue %s: SQS fails, it is tried again until it answers: %s", self._queue, error)
            lasted = self._clock() - self._began
        return self._jitter() * min(max(lasted, SHORTEST_WAIT_SECONDS), LONGEST_WAIT_SECONDS)

    def ended(self) -> None:
        """Record that SQS has answered."""
        if self._began is None:
            return
        with self._lock:
            if self._began is not None:
                logger.info("Queue %s: SQS answers again, after %.0f s", self._queue, self._clock() - self._began)
            self._began = None
