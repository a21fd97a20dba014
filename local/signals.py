"""The signals that ask us to end, turned into an exception that is raised only where we wait.

A handler that raised by itself could strike between the start of a child and the note of how to end it.
"""

import os
import select
import signal
from types import FrameType

STOPPING = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class StopRequested(Exception):
    """Somebody asked us to end."""


class StopSignals:
    """Remembers whether we were asked to end; made once, in the main thread, and in force to the process's end."""

    def __init__(self) -> None:
        """Take the signals over. Under nohup, which ignores SIGHUP, we ignore it too."""
        self._stop = False
        self._woken, wake = os.pipe()
        for end in (self._woken, wake):
            os.set_blocking(end, False)
        signal.set_wakeup_fd(wake, warn_on_full_buffer=False)
        for number in STOPPING:
            if number is not signal.SIGHUP or signal.getsignal(number) is not signal.SIG_IGN:
                signal.signal(number, self._remember)
        signal.signal(signal.SIGCHLD, _wake_only)

    def pause(self, seconds: float) -> None:
        """Wait that long, or until a child ends.

        Raises:
            StopRequested: we were asked to end, now or earlier.
        """
        if not self._stop and select.select([self._woken], [], [], seconds)[0]:
            os.read(self._woken, 1024)
        if self._stop:
            raise StopRequested

    def _remember(self, number: int, frame: FrameType | None) -> None:
        self._stop = True


def _wake_only(number: int, frame: FrameType | None) -> None:
    """Do nothing: having a handler is what makes a child's end wake `pause`."""
