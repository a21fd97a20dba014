"""A thread pool with a fixed number of permits; a task that only waits lends its permit (`waiting`).

Invariants:

- never more tasks run than there are permits;
- a task whose wait is over continues before any queued task starts;
- if a permit is free, a queued task starts.

concurrent.futures.ThreadPoolExecutor has no permits to lend, and joins its threads at exit. The threads here are
daemons: a task that never returns cannot keep a drained process alive.
"""

import itertools
import logging
import threading
from collections import deque
from collections.abc import Callable
from queue import SimpleQueue
from typing import Generic, TypeVar

from fargate.threads.waiting import set_lender

logger = logging.getLogger("fargate")

Task = TypeVar("Task")

MAX_LENT = 256
"""Most permits that are lent at once, as each may cost a thread; then a waiting task keeps its permit."""

IDLE_SECONDS = 30.0
"""How long a thread without a permit waits for one before it ends."""


class ThreadPool(Generic[Task]):
    """Threads that apply one function to tasks, in the order in which they were added.

    A thread holds a permit while it runs a task or waits for one. A lent permit is free. If a queued task needs it, a
    spare thread or a new one takes it. When the wait ends, the task takes a free permit; if there is none, the next
    thread that finishes its task gives up its permit and becomes a spare.

    Args:
        run: the function; an exception from it ends the thread.
        permits: how many tasks run at the same time.
        name: prefix of the threads' names.
        max_lent: how many permits may be lent at once.
        idle_seconds: how long a spare thread lives.
    """

    def __init__(
        self,
        run: Callable[[Task], None],
        permits: int,
        name: str,
        max_lent: int = MAX_LENT,
        idle_seconds: float = IDLE_SECONDS,
    ) -> None:
        self._run = run
        self._name = name
        self._max_lent = max_lent
        self._idle_seconds = idle_seconds
        self._numbers = itertools.count()
        self._tasks: SimpleQueue[Task | None] = SimpleQueue()  # None wakes a thread for a task that wants a permit back
        self._lock = threading.Lock()
        self._free = 0  # permits that no thread holds
        self._returning: deque[threading.Lock] = deque()  # one for each task that wants its permit back, unlocked then
        self._spares: list[threading.Lock] = []  # one for each thread without a permit, unlocked when it gets one
        self.lent = 0
        """How many tasks have lent their permit and not got one back."""
        for _ in range(permits):
            self._start_thread()

    def add(self, task: Task) -> None:
        """Queue a task."""
        self._tasks.put(task)
        if self._free:  # read after `put`; `lend` frees a permit first and then reads the queue: one of them sees both
            self._use_permit()

    def lend(self) -> bool:
        """Lend the calling thread's permit; return False if too many are lent already."""
        with self._lock:
            if self.lent >= self._max_lent:
                return False
            self.lent += 1
            self._give_permit()
        if not self._tasks.empty():
            self._use_permit()
        return True

    def take_back(self) -> None:
        """Wait until the calling thread, which has lent its permit, has one again."""
        with self._lock:
            if self._free:
                self._free -= 1
                self.lent -= 1
                return
            permit = _locked()
            self._returning.append(permit)
        self._tasks.put(None)  # for an idle thread; a busy one checks `_returning` after its task
        permit.acquire()

    def _give_permit(self) -> None:
        """Give a permit to the first task that wants one back, or else free it."""
        if self._returning:
            self._returning.popleft().release()
            self.lent -= 1
        else:
            self._free += 1

    def _use_permit(self) -> None:
        """Give a free permit, if there still is one, to a spare or new thread."""
        with self._lock:
            if not self._free:
                return
            self._free -= 1
            if self._spares:
                self._spares.pop().release()
                return
        try:
            self._start_thread()
        except RuntimeError:  # the system refuses another thread: the task waits for an existing one
            logger.warning("No thread could be started for a permit that is lent", exc_info=True)
            with self._lock:
                self._give_permit()

    def _start_thread(self) -> None:
        threading.Thread(target=self._work, name=f"{self._name}-{next(self._numbers)}", daemon=True).start()

    def _work(self) -> None:
        set_lender(self)
        while True:
            if self._returning and not self._hand_over():
                return
            task = self._tasks.get()
            if task is not None:
                self._run(task)

    def _hand_over(self) -> bool:
        """Give this thread's permit to a task that wants one back, and wait for another; return False on a time-out."""
        with self._lock:
            if not self._returning:
                return True
            self._give_permit()
            permit = _locked()
            self._spares.append(permit)
        return permit.acquire(timeout=self._idle_seconds) or not self._retire(permit)

    def _retire(self, permit: threading.Lock) -> bool:
        """Remove this thread from the spares; return False if it has just got a permit."""
        with self._lock:
            if permit in self._spares:
                self._spares.remove(permit)
                return True
            return False


def _locked() -> threading.Lock:
    lock = threading.Lock()
    lock.acquire()
    return lock
