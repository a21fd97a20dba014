"""SIGTERM and SIGINT ask a server to drain."""

import contextlib
import signal
from collections.abc import Callable, Iterator
from types import FrameType


@contextlib.contextmanager
def on_signals(ask_to_drain: Callable[[], None]) -> Iterator[None]:
    """Call `ask_to_drain` on SIGTERM and SIGINT while the block runs; a second Ctrl-C ends the process at once.

    Call it in the main thread.
    """

    def on_signal(_number: int, _frame: FrameType | None) -> None:
        signal.signal(signal.SIGINT, signal.SIG_DFL)
        ask_to_drain()

    before = {number: signal.signal(number, on_signal) for number in (signal.SIGTERM, signal.SIGINT)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
