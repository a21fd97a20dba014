"""SIGTERM and SIGINT request a stop: the server accepts connections for a while, then drains. A single call is ended.

A load balancer learns late that a task stops. Until then it opens connections, and a client sees an error for each one
that is refused. At a terminal there is no load balancer, so Ctrl-C skips the wait.
"""

import contextlib
import math
import os
import signal
import time
from collections.abc import Callable, Iterator
from types import FrameType

from fargate.lifecycle import Lifecycle, Phase

EXIT_STATUS = 128
"""A shell adds this to the number of the signal that has ended a program."""


class Stop:
    """Whether a stop was requested, and until when connections are accepted.

    Signal handlers change it in the main thread by assigning one attribute; any thread may read it.

    Args:
        accept_seconds: how long connections are accepted after the request.
        clock: monotonic clock, in seconds.
    """

    def __init__(self, accept_seconds: float, clock: Callable[[], float] = time.monotonic) -> None:
        self._accept_seconds = accept_seconds
        self._clock = clock
        self._accepts_until = math.inf

    @property
    def is_requested(self) -> bool:
        return self._accepts_until < math.inf

    @property
    def accept_seconds_left(self) -> float:
        """How much longer connections are accepted: infinity before the request, 0 once the time is over."""
        return max(0.0, self._accepts_until - self._clock())

    def request(self, *, at_once: bool = False) -> None:
        """Request the stop. A second request, or `at_once`, ends the time of accepting now."""
        now = self._clock()
        accepts_until = now if at_once or self.is_requested else now + self._accept_seconds
        self._accepts_until = min(self._accepts_until, accepts_until)


def end_while_starting(lifecycle: Lifecycle) -> None:
    """Have SIGTERM and SIGINT end the process as long as the server starts, with one line and the status 128 + number.

    Nothing has been accepted then. A SIGTERM after the drain changes nothing. Call it in the main thread.
    """

    def on_signal(number: int, _frame: FrameType | None) -> None:
        if number == signal.SIGTERM and lifecycle.phase is not Phase.STARTING:
            return
        with contextlib.suppress(OSError):
            os.write(2, f"Stopped by {signal.Signals(number).name} while {lifecycle.phase.lower()}\n".encode())
        os._exit(EXIT_STATUS + number)

    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, on_signal)


@contextlib.contextmanager
def on_signals(stop: Stop, wake: Callable[[], None]) -> Iterator[None]:
    """Request `stop` on SIGTERM and SIGINT while the block runs, and call `wake` after each.

    SIGTERM begins the time of accepting, a second SIGTERM ends it. SIGINT ends or skips it. After that time, Ctrl-C
    kills the process. Use it in the main thread.
    """

    def on_signal(number: int, _frame: FrameType | None) -> None:
        if number == signal.SIGINT and not stop.accept_seconds_left:
            signal.signal(signal.SIGINT, signal.SIG_DFL)
            signal.raise_signal(signal.SIGINT)
        stop.request(at_once=number == signal.SIGINT)
        if not stop.accept_seconds_left:
            signal.signal(signal.SIGINT, signal.SIG_DFL)  # the kernel then kills even if the main thread is stuck
        wake()

    with handling(on_signal):
        yield


@contextlib.contextmanager
def handling(on_signal: Callable[[int, FrameType | None], None]) -> Iterator[None]:
    """Call a function for SIGTERM and SIGINT in the block. Use it in the main thread."""
    before = {number: signal.signal(number, on_signal) for number in (signal.SIGTERM, signal.SIGINT)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


class Interruption:
    """The signal that has interrupted a block; None if none has."""

    number: int | None = None


@contextlib.contextmanager
def exit_on_signals(interruption: Interruption) -> Iterator[None]:
    """Raise SystemExit in the block at the first SIGTERM or SIGINT; a SIGINT after it ends the process at once.

    A second SIGTERM changes nothing: `timeout` and some supervisors send it twice. The status is 128 + number.

    Use it in the main thread.
    """

    def on_signal(number: int, _frame: FrameType | None) -> None:
        if interruption.number is not None:
            if number == signal.SIGINT:
                os._exit(EXIT_STATUS + number)
            return
        interruption.number = number
        raise SystemExit(EXIT_STATUS + number)

    with handling(on_signal):
        yield
