"""A circuit breaker: after a few failures in a row a dead store is left alone until it is seen to answer again.

What must hold: while open, no request waits for the store; a thread of the breaker's own asks it now and then, and one
answer closes it. Failures are counted, and some are logged: a store that is away must not fill the log.
"""

import logging
import threading
import time
from collections.abc import Callable
from typing import TypeVar

logger = logging.getLogger("shop")

FAILURES_TO_OPEN = 3
PROBE_SECONDS = 0.25
FIRST_PROBE_SECONDS = 0.01
"""A store that only stumbled is asked again soon; then half as often each time, down to once in PROBE_SECONDS."""

LOG_SECONDS = 5.0

Answer = TypeVar("Answer")


class CircuitBreaker:
    """Watches what is asked of one store. Safe to share by threads.

    Args:
        store: its name, for the log.
        probe: asks the store something; raises one of `errors` while it is away.
        errors: the exceptions that mean that the store is away.
        failures_to_open: so many failures in a row open it.
        opens_at_once: those of the errors of which one is enough.
        probe_seconds: between two probes while open, at the most.
    """

    def __init__(
        self,
        store: str,
        probe: Callable[[], object],
        errors: type[Exception] | tuple[type[Exception], ...],
        failures_to_open: int = FAILURES_TO_OPEN,
        opens_at_once: type[Exception] | tuple[type[Exception], ...] = (),
        probe_seconds: float = PROBE_SECONDS,
    ) -> None:
        self.failures = 0  # since the start
        self.is_open = False
        self._store = store
        self._probe = probe
        self._errors = errors
        self._failures_to_open = failures_to_open
        self._opens_at_once = opens_at_once
        self._probe_seconds = probe_seconds
        self._lock = threading.Lock()
        self._in_a_row = 0
        self._next_log = 0.0

    def watch(self, step: Callable[[], Answer]) -> Answer:
        """Take a step that asks the store; what it raises reaches the caller."""
        try:
            answer = step()
        except self._errors as error:
            self.failed(error)
            raise
        self.answered()
        return answer

    def answered(self) -> None:
        """Take note that the store has answered."""
        self._in_a_row = 0

    def failed(self, error: Exception) -> None:
        """Take note of a failure; enough of them in a row open the breaker."""
        with self._lock:
            self.failures += 1
            self._in_a_row += 1
            enough = self._in_a_row >= self._failures_to_open or isinstance(error, self._opens_at_once)
            opens = enough and not self.is_open
            self.is_open = self.is_open or opens
            self._log(error, opens=opens)
        if opens:
            threading.Thread(target=self._recover, name=f"probe-{self._store}", daemon=True).start()

    def _recover(self) -> None:
        """Ask until the store answers."""
        pause = min(FIRST_PROBE_SECONDS, self._probe_seconds)
        while self.is_open:
            time.sleep(pause)
            pause = min(2 * pause, self._probe_seconds)
            try:
                self._probe()
            except self._errors:
                continue
            self._in_a_row = 0
            self.is_open = False
        logger.warning("%s is back", self._store)

    def _log(self, error: Exception, *, opens: bool) -> None:
        now = time.monotonic()
        if opens or now >= self._next_log:
            self._next_log = now + LOG_SECONDS
            state = "is left alone until it answers" if self.is_open else "failed"
            logger.warning("%s %s (%d failures so far): %s: %s", self._store, state, self.failures, _kind(error), error)


def _kind(error: Exception) -> str:
    return type(error).__name__
