"""Successful requests share access lines above a rate.

Up to the rate, every success gets its own line. Above it, requests with the same outcome share one, and its weight is
their number: the weights of an outcome's lines always add up to its requests. Below the rate this takes no lock.
"""

import logging
import math
import threading
from collections.abc import Callable, Hashable

from fargate.telemetry.request_scope import no_scope

logger = logging.getLogger("fargate")

HOLD_SECONDS = 10.0
"""The longest that a line waits for more requests to share it, as long as any request comes."""

CALM_SECONDS = 60.0
"""After so long without a shared line, a log line says that every request has its own again."""


class SharedLine:
    """The line of the first of the requests that share it, without its weight."""

    __slots__ = ("line", "weight")

    def __init__(self, line: str) -> None:
        self.line = line
        self.weight = 1


class SharedLines:
    """Decides which requests share a line. Thread-safe.

    Args:
        lines_per_second: so many requests a second get a line of their own.
        one_in: so many of the others share one; at least 2.
        write: called with a line and its weight, from any thread.
    """

    def __init__(self, lines_per_second: int, one_in: int, write: Callable[[str, int], None]) -> None:
        self._lines_per_second: float = lines_per_second
        self._one_in = one_in
        self._write = write
        self._begun = self._ends = -math.inf  # the current second; times are seconds since the epoch
        self._room: float = 0  # lines left in it; a race between threads may grant a few more
        self._lock = threading.Lock()  # guards the attributes below
        self._shared: dict[Hashable, SharedLine] = {}  # by outcome
        self._written_at = -math.inf  # when the shared lines were last written
        self._without_line = 0  # requests, since the last time that every request had its own
        self._without_line_before = 0  # the same, at the beginning of this second
        self._shared_at = -math.inf  # when a line was last shared

    def has_room(self, now: float) -> bool:
        """Return whether a request gets a line of its own, and count it."""
        if not self._begun <= now < self._ends:
            self._begin_second(now)
        if self._room > 0:
            self._room -= 1
            return True
        return False

    def shares(self, outcome: Hashable) -> bool:
        """Add a request to the waiting line of its outcome; return False if none waits."""
        with self._lock:
            shared = self._shared.get(outcome)
            if shared is None:
                return False
            shared.weight += 1
            self._without_line += 1
            is_first = self._without_line == 1
            is_full = shared.weight >= self._one_in
            if is_full:
                del self._shared[outcome]
        if is_full:
            self._write(shared.line, shared.weight)
        if is_first:
            self._warn()
        return True

    def begin(self, outcome: Hashable, line: str) -> None:
        """Keep a request's line for others to share, unless another thread has just done so."""
        with self._lock:
            if self._shared.setdefault(outcome, shared := SharedLine(line)) is shared:
                return
        if not self.shares(outcome):
            self._write(line, 1)

    def finish(self) -> None:
        """Write the waiting lines; from now on every request gets a line of its own."""
        with self._lock:
            self._begun, self._ends, self._room = -math.inf, math.inf, math.inf
            waiting, self._shared = self._shared, {}
        self._write_all(waiting)

    def _begin_second(self, now: float) -> None:
        with self._lock:
            if self._begun <= now < self._ends:
                return
            self._begun = math.floor(now)
            self._ends = self._begun + 1
            self._room = self._lines_per_second
            waiting = self._take_waiting(now)
            without_line = self._take_without_line(now)
        self._write_all(waiting)
        if without_line:
            with no_scope():
                logger.info("Every request has its access line again; %d had none of their own", without_line)

    def _take_waiting(self, now: float) -> dict[Hashable, SharedLine]:
        """Return the waiting lines once they have waited long enough, or if the clock was set back."""
        if 0 <= now - self._written_at < HOLD_SECONDS:
            return {}
        self._written_at = now
        waiting, self._shared = self._shared, {}
        return waiting

    def _take_without_line(self, now: float) -> int:
        """Return how many requests had no line of their own, once there were none for long enough; else 0."""
        if self._without_line != self._without_line_before:
            self._without_line_before = self._without_line
            self._shared_at = now
        if not self._without_line or 0 <= now - self._shared_at < CALM_SECONDS:
            return 0
        without_line, self._without_line, self._without_line_before = self._without_line, 0, 0
        return without_line

    def _write_all(self, waiting: dict[Hashable, SharedLine]) -> None:
        for shared in waiting.values():
            self._write(shared.line, shared.weight)

    def _warn(self) -> None:
        with no_scope():
            logger.warning(
                "More than %d successes a second (ACCESS_LOG_LINES_PER_SECOND): one in %d of the others has an access "
                "line (ACCESS_LOG_ONE_IN), whose weight says for how many requests it stands",
                self._lines_per_second,
                self._one_in,
            )
