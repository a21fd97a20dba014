"""Runs the schedules of an app, each in a thread of its own, until it is told to stop."""

import logging
import threading
import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime

from fargate.schedules.course import LONGEST_WAIT_SECONDS, Course
from fargate.schedules.lease import Lease
from fargate.threads.main_thread import join

logger = logging.getLogger("fargate")


class WallClock:
    """The time, and waiting for it."""

    def now(self) -> datetime:
        """Return the time in UTC."""
        return datetime.now(UTC)

    def wait(self, stop: threading.Event, seconds: float) -> bool:
        """Wait for a time, or until `stop` is set; return whether it is."""
        return stop.wait(seconds)


class Runner:
    """Runs schedules in threads, beside one that keeps the lease.

    Args:
        courses: the schedules.
        lease: the right to run them.
        clock: the time.
    """

    def __init__(self, courses: Sequence[Course], lease: Lease, clock: WallClock) -> None:
        self._courses = courses
        self._lease = lease
        self._clock = clock
        self._stop = threading.Event()
        self._ended = threading.Event()
        self._keeper = _thread(self._keep)
        self._threads = [_thread(self._run, each) for each in courses]

    def start(self) -> None:
        """Begin."""
        self._lease.keep()
        self._keeper.start()
        for each in self._threads:
            each.start()

    def finish(self, seconds: float) -> list[Course]:
        """Begin no run any more, wait for those that have begun, and give the lease back.

        Returns:
            Those that still run after this many seconds.
        """
        self._stop.set()
        deadline = time.monotonic() + seconds
        for each in self._threads:
            join(each, deadline - time.monotonic())
        self._ended.set()
        self._keeper.join()  # Redis answers within its limits, or not
        self._lease.release()
        return [each for each in self._courses if each.running is not None]

    def _run(self, course: Course) -> None:
        wait_seconds = 0.0
        while not self._clock.wait(self._stop, wait_seconds):
            wait_seconds = _step(course)
        course.give_up_retries()

    def _keep(self) -> None:
        """Renew the lease until the last run has ended."""
        seconds = self._lease.renew_seconds
        while seconds is not None and not self._ended.wait(seconds):
            self._lease.keep()


def _step(course: Course) -> float:
    try:
        return course.step()
    except Exception:  # the outermost boundary of the thread
        logger.exception("%s: the next run cannot be found", course.schedule)
        return LONGEST_WAIT_SECONDS


def _thread(target: Callable[..., None], *arguments: object) -> threading.Thread:
    """Return a thread that does not hold the end of the process up."""
    return threading.Thread(target=target, args=arguments, daemon=True)
