"""The runs of one schedule, one after the other.

What must hold: two runs of a schedule never overlap in one process, and a due time is run at most once by all of them.
"""

import copy
import logging
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from fargate.schedules.lease import Lease, NotNow
from fargate.schedules.schedule import Schedule, stamp

logger = logging.getLogger("fargate")

LATE = timedelta(minutes=1)
"""A run that begins so much after its due time is worth a warning."""

LONGEST_WAIT_SECONDS = 1.0
"""Then the clock is read again: it may have been set, or the machine may have slept."""

RETRY_DELAY = timedelta(minutes=1)
"""Before the first retry, and twice as much before the second: Lambda's, for asynchronous events."""

Call = Callable[[Schedule, Any, Mapping[str, Any]], bool]
"""Takes a schedule, an event and fields for the log line; returns whether the handler succeeded."""


class Attempt(NamedTuple):
    """One call of the handler: the first, or a retry."""

    at: datetime  # when to begin
    due: datetime
    number: int  # from 1
    event: Any


class Course:
    """Runs one schedule. Not thread-safe: one thread calls `step`.

    Args:
        schedule: what is run.
        event_of: makes the event of a due time.
        call: calls the handler.
        lease: the right to run anything.
        retries: how often a failed call is repeated.
        clock: the time, in UTC.
    """

    def __init__(
        self,
        schedule: Schedule,
        event_of: Callable[[Schedule, datetime], Any],
        call: Call,
        lease: Lease,
        retries: int,
        clock: Callable[[], datetime],
    ) -> None:
        self.schedule = schedule
        self.running: Attempt | None = None
        self._event_of = event_of
        self._call = call
        self._lease = lease
        self._most_attempts = retries + 1
        self._clock = clock
        self._number: int | None = None  # of the lease under which the rest was found
        self._next: datetime | None = None
        self._retries: list[Attempt] = []

    def step(self) -> float:
        """Run what is due, if anything; return how many seconds to wait before the next step."""
        try:
            return self._step()
        except NotNow:
            return LONGEST_WAIT_SECONDS

    def give_up_retries(self) -> None:
        """Forget the retries, and log that."""
        for retry in self._retries:
            logger.warning("%s: retry %d of %s is left out", self.schedule, retry.number - 1, stamp(retry.due))
        self._retries.clear()

    def _step(self) -> float:
        number = self._lease.number
        if number is None:
            return LONGEST_WAIT_SECONDS
        if number != self._number:
            self._take_over(number)
        now = self._clock()
        attempt = self._due_retry(number, now) or self._due_run(number, now)
        if attempt is not None:
            self._run(attempt, number)
            return 0
        return self._seconds_until_next(now)

    def _take_over(self, number: int) -> None:
        """Continue after what was begun under the lease before."""
        self._next = self.schedule.expression.next_after(self._lease.begun(self.schedule.key, self._clock()))
        self._number = number
        self.give_up_retries()

    def _due_retry(self, number: int, now: datetime) -> Attempt | None:
        if not self._retries or self._retries[0].at > now:
            return None
        self._lease.confirm(number)
        return self._retries.pop(0)

    def _due_run(self, number: int, now: datetime) -> Attempt | None:
        """Claim the last time that is due by now; those before it are left out."""
        due, following, left_out = None, self._next, -1
        while following is not None and following <= now:
            due, left_out = following, left_out + 1
            following = self.schedule.expression.next_after(due)
        if due is None:
            return None
        is_mine = self._lease.claim(number, self.schedule.key, due)
        self._next = following
        if not is_mine:
            return None
        self._warn_if_late(due, now, left_out)
        return Attempt(now, due, 1, self._event_of(self.schedule, due))

    def _warn_if_late(self, due: datetime, now: datetime, left_out: int) -> None:
        if left_out or now - due > LATE:
            late = (now - due).total_seconds()
            logger.warning("%s runs %.0f s late; times due before that are left out: %d", self.schedule, late, left_out)

    def _run(self, attempt: Attempt, number: int) -> None:
        self.running = attempt
        fields = {"due": stamp(attempt.due), "attempt": attempt.number}
        succeeded = self._call(
            self.schedule, copy.deepcopy(attempt.event), fields | ({"lease": number} if number else {})
        )
        self.running = None
        if not succeeded and attempt.number < self._most_attempts:
            at = self._clock() + attempt.number * RETRY_DELAY
            self._retries = sorted([*self._retries, attempt._replace(at=at, number=attempt.number + 1)])

    def _seconds_until_next(self, now: datetime) -> float:
        times = [each for each in (self._next, *(retry.at for retry in self._retries)) if each is not None]
        return min([LONGEST_WAIT_SECONDS, *((each - now).total_seconds() for each in times)])
