"""A circuit breaker: after a few failures in a row, no request waits for that store until it answers again.

A thread of the breaker tries to reach the store while the circuit is open, so that no request is spent on trying.
What a store refuses while it does the rest of its work (a login, a write) is counted, and never opens the circuit.
Failures are counted; only some are logged, so that an outage does not fill the log.
"""

import logging
import threading
import time
from collections.abc import Callable
from typing import TypeVar

logger = logging.getLogger("shop")

FAILURES_TO_OPEN = 3
RETRY_SECONDS = 0.25
FIRST_RETRY_SECONDS = 0.01
"""The first try comes soon, as most outages are short. Each pause is twice the last one, up to RETRY_SECONDS."""

LOG_SECONDS = 5.0

Answer = TypeVar("Answer")


class CircuitBreaker:
    """Counts the failures of one store; open from too many in a row until the store answers. Thread-safe.

    Args:
        store: its name, for the log.
        try_connect: asks the store something; raises one of `errors` while the store is unavailable.
        errors: the exceptions that count as failures.
        failures_to_open: how many failures in a row open the circuit.
        opens_at_once: those of `errors` that open the circuit at the first failure.
        retry_seconds: the longest pause between two tries while the circuit is open.
        is_refusal: whether one of `errors` is a refusal of a store that works otherwise.
    """

    def __init__(
        self,
        store: str,
        try_connect: Callable[[], object],
        errors: type[Exception] | tuple[type[Exception], ...],
        failures_to_open: int = FAILURES_TO_OPEN,
        opens_at_once: type[Exception] | tuple[type[Exception], ...] = (),
        retry_seconds: float = RETRY_SECONDS,
        is_refusal: Callable[[Exception], bool] = lambda error: False,
    ) -> None:
        self.failures = 0  # since the start, with refusals
        self.is_open = False
        self._store = store
        self._try_connect = try_connect
        self._errors = errors
        self._failures_to_open = failures_to_open
        self._opens_at_once = opens_at_once
        self._retry_seconds = retry_seconds
        self._is_refusal = is_refusal
        self._lock = threading.Lock()
        self._failures_in_a_row = 0
        self._next_log = 0.0

    def call(self, step: Callable[[], Answer]) -> Answer:
        """Run a step that asks the store, and record how it ended. Its exceptions reach the caller."""
        try:
            answer = step()
        except self._errors as error:
            self.record_failure(error)
            raise
        self.record_success()
        return answer

    def record_success(self) -> None:
        self._failures_in_a_row = 0

    def record_failure(self, error: Exception) -> None:
        """Count a failure; open the circuit after enough of them, unless it is a refusal."""
        if self._is_refusal(error):
            self.record_refusal(error)
            return
        with self._lock:
            self.failures += 1
            self._failures_in_a_row += 1
            is_enough = self._failures_in_a_row >= self._failures_to_open or isinstance(error, self._opens_at_once)
            opens = is_enough and not self.is_open
            self.is_open = self.is_open or opens
            self._log(error, "is not used until it answers again" if self.is_open else "failed", at_once=opens)
        if opens:
            threading.Thread(target=self._retry, name=f"retry-{self._store}", daemon=True).start()

    def record_refusal(self, error: Exception) -> None:
        """Count what the store refuses while it works otherwise."""
        with self._lock:
            self.failures += 1
            self._log(error, "is used, but refuses")

    def _retry(self) -> None:
        """Try to reach the store until it answers; then close the circuit."""
        pause = min(FIRST_RETRY_SECONDS, self._retry_seconds)
        while self.is_open:
            time.sleep(pause)
            pause = min(2 * pause, self._retry_seconds)
            try:
                self._try_connect()
            except self._errors:
                continue
            self._failures_in_a_row = 0
            self.is_open = False
        logger.warning("%s is back", self._store)

    def _log(self, error: Exception, state: str, *, at_once: bool = False) -> None:
        now = time.monotonic()
        if at_once or now >= self._next_log:
            self._next_log = now + LOG_SECONDS
            kind = type(error).__name__
            logger.warning("%s %s (%d failures so far): %s: %s", self._store, state, self.failures, kind, error)
