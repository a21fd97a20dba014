"""Bounded waiting, with the pause handed in, so that whoever waits can be told to stop."""

import time
from collections.abc import Callable

Pause = Callable[[float], None]
"""Waits that many seconds; may raise to end the waiting early."""


def wait_until(condition: Callable[[], bool], seconds: float, pause: Pause = time.sleep) -> bool:
    """Ask until `condition` holds; return whether it did within `seconds`."""
    deadline = time.monotonic() + seconds
    step = 0.005
    while not condition():
        if time.monotonic() >= deadline:
            return False
        pause(step)
        step = min(step * 1.5, 0.1)
    return True
