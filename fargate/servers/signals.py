"""SIGTERM and SIGINT tell a server to stop: it goes on accepting connections for a while, and drains then.

A load balancer learns late that a task is to stop: until then it opens connections, and one that is refused is an error
that a client sees. At a terminal there is no load balancer, so Ctrl-C waits for none.
"""

import contextlib
import math
import signal
import time
from collections.abc import Callable, Iterator
from types import FrameType


class Stop:
    """Whether a server was told to stop, and until when it accepts connections.

    Signal handlers change it, in the main thread, by assigning one attribute; any thread may read it.

    Args:
        accept_seconds: how long new connections are accepted once it was told.
        clock: seconds on a clock that never goes back.
    """

    def __init__(self, accept_seconds: float, clock: Callable[[], float] = time.monotonic) -> None:
        self._accept_seconds = accept_seconds
        self._clock = clock
        self._accepts_until = math.inf

    @property
    def is_told(self) -> bool:
        """True once it was told to stop."""
        return self._accepts_until < math.inf

    @property
    def accept_seconds_left(self) -> float:
        """How much longer new connections are accepted; 0: no more are, infinity: it was not told to stop."""
        return max(0.0, self._accepts_until - self._clock())

    def tell(self, *, at_once: bool = False) -> None:
        """Tell it to stop; a second time, or `at_once`, no more connections are accepted from now on."""
        now = self._clock()
        accepts_until = now if at_once or self.is_told else now + self._accept_seconds
        self._accepts_until = min(self._accepts_until, accepts_until)


@contextlib.contextmanager
def on_signals(stop: Stop, wake: Callable[[], None]) -> Iterator[None]:
    """Tell `stop` of SIGTERM and SIGINT while the block runs, and call `wake` after each.

    SIGTERM begins the time of accepting; a second one ends it, and SIGINT ends or skips it. Once it is over, Ctrl-C
    ends the process at once. Call it in the main thread.
    """

    def on_signal(number: int, _frame: FrameType | None) -> None:
        if number == signal.SIGINT and not stop.accept_seconds_left:
            signal.signal(signal.SIGINT, signal.SIG_DFL)
            signal.raise_signal(signal.SIGINT)
        stop.tell(at_once=number == signal.SIGINT)
        if not stop.accept_seconds_left:
            signal.signal(signal.SIGINT, signal.SIG_DFL)  # by the kernel: even if the main thread is stuck
        wake()

    before = {number: signal.signal(number, on_signal) for number in (signal.SIGTERM, signal.SIGINT)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
