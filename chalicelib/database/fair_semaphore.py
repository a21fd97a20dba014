"""A semaphore that serves waiting threads in the order of their arrival.

`threading.Semaphore` and SQLAlchemy's pool are unfair: the thread that releases a permit usually acquires it again.
With more threads than connections, some threads then wait as long as the load lasts.
"""

import threading
from collections import deque


class FairSemaphore:
    """A first-in, first-out semaphore."""

    def __init__(self, permits: int) -> None:
        self._lock = threading.Lock()
        self._free = permits
        self._waiters: deque[threading.Lock] = deque()  # each is locked until its thread has a permit

    def acquire(self, seconds: float) -> bool:
        """Wait for a permit; return False if there is none after `seconds`."""
        with self._lock:
            if self._free:
                self._free -= 1
                return True
            waiter = threading.Lock()
            waiter.acquire()
            self._waiters.append(waiter)
        return waiter.acquire(timeout=seconds) or not self._stopped_waiting(waiter)

    def release(self) -> None:
        """Give a permit back: the thread that has waited longest receives it."""
        with self._lock:
            if self._waiters:
                self._waiters.popleft().release()
            else:
                self._free += 1

    def _stopped_waiting(self, waiter: threading.Lock) -> bool:
        """Leave the queue; return False if the waiter has just received a permit."""
        with self._lock:
            if waiter in self._waiters:
                self._waiters.remove(waiter)
                return True
            return False
