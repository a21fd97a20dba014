"""A turnstile: a bounded number of threads at once, in the order of their arrival.

SQLAlchemy's pool (as Python's own semaphores) lets whoever runs next take what was given back, which is mostly the
thread that gave it back: with more threads than connections, some wait for as long as the load lasts. Here who
leaves hands the place to the first in line.
"""

import threading
from collections import deque


class FairSemaphore:
    """Lets `places` threads in at a time."""

    def __init__(self, places: int) -> None:
        self._lock = threading.Lock()
        self._free = places
        self._line: deque[threading.Lock] = deque()  # of those who wait: locked until it is their turn

    def enter(self, seconds: float) -> bool:
        """Wait for a place; return False, without one, after so many seconds."""
        with self._lock:
            if self._free:
                self._free -= 1
                return True
            turn = threading.Lock()
            turn.acquire()
            self._line.append(turn)
        return turn.acquire(timeout=seconds) or not self._left_line(turn)

    def leave(self) -> None:
        """Give the place back."""
        with self._lock:
            if self._line:
                self._line.popleft().release()
            else:
                self._free += 1

    def _left_line(self, turn: threading.Lock) -> bool:
        """Step out of the line; False where our turn has come meanwhile."""
        with self._lock:
            if turn in self._line:
                self._line.remove(turn)
                return True
            return False
