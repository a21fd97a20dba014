"""Waiting that has an end: after a number of seconds, or when a signal asks this process to stop."""

import os
import select
import signal
import time
from collections.abc import Callable
from types import FrameType

STOPPING = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)

Pause = Callable[[float], None]
"""Waits that many seconds; may raise to end the waiting early."""


class StopRequested(Exception):
    """A signal has asked this process to stop."""


class StopSignals:
    """Turns the signals to stop into an exception that only `pause` raises. Create it once, in the main thread.

    A signal handler that raised could interrupt the code between the start of a child and the registration of its end.
    """

    def __init__(self) -> None:
        self._stop = False
        self._woken, wake = os.pipe()
        for end in (self._woken, wake):
            os.set_blocking(end, False)
        signal.set_wakeup_fd(wake, warn_on_full_buffer=False)
        for number in STOPPING:
            # nohup ignores SIGHUP; leave it so.
            if number is not signal.SIGHUP or signal.getsignal(number) is not signal.SIG_IGN:
                signal.signal(number, self._request_stop)
        signal.signal(signal.SIGCHLD, _ignore)  # with a handler, the end of a child wakes `pause`

    def pause(self, seconds: float) -> None:
        """Wait that long, or until a child ends.

        Raises:
            StopRequested: a signal to stop has come, now or earlier.
        """
        if not self._stop and select.select([self._woken], [], [], seconds)[0]:
            os.read(self._woken, 1024)
        if self._stop:
            raise StopRequested

    def _request_stop(self, number: int, frame: FrameType | None) -> None:
        self._stop = True


def _ignore(number: int, frame: FrameType | None) -> None:
    pass


def wait_until(condition: Callable[[], bool], seconds: float, pause: Pause = time.sleep) -> bool:
    """Wait until `condition` holds; return whether it did within `seconds`."""
    deadline = time.monotonic() + seconds
    step = 0.005
    while not condition():
        if time.monotonic() >= deadline:
            return False
        pause(step)
        step = min(step * 1.5, 0.1)
    return True
