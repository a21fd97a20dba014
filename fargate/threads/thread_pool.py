"""Threads that do tasks, a fixed number at the same time; a task that only waits lends its place (`waiting`).

What must hold: never do more tasks run than there are places; a task whose wait is over goes on before any task begins
that has not begun; a task that is queued while a place is free is taken. Threads are daemons: a task that never returns
cannot keep a drained process alive.
"""

import itertools
import logging
import threading
from collections import deque
from collections.abc import Callable
from queue import SimpleQueue
from typing import Generic, TypeVar

from fargate.threads.waiting import hold_place_of

logger = logging.getLogger("fargate")

Task = TypeVar("Task")

MOST_LENT = 256
"""How many places may be lent at once, each of which may cost a thread; past that, a waiting task keeps its place."""

IDLE_SECONDS = 30.0
"""How long a thread without a place lives on for the next place that is lent."""


class ThreadPool(Generic[Task]):
    """Threads that apply one function to tasks, in the order in which those were added.

    A thread holds a place while it runs a task or waits for one. The place of a task that waits is free until a queued
    task needs it: only then is it filled, by a spare thread or by a new one. Where the wait ends first, nothing else
    has happened. Otherwise the next thread that has done its task hands over its place and becomes a spare.

    Args:
        run: the function; what it raises ends the thread, so it should not.
        places: how many tasks run at the same time.
        name: how the threads are called.
        most_lent: how many places may be lent at once.
        idle_seconds: how long a spare thread lives without a place.
    """

    def __init__(
        self,
        run: Callable[[Task], None],
        places: int,
        name: str,
        most_lent: int = MOST_LENT,
        idle_seconds: float = IDLE_SECONDS,
    ) -> None:
        self._run = run
        self._name = name
        self._most_lent = most_lent
        self._idle_seconds = idle_seconds
        self._numbers = itertools.count()
        self._tasks: SimpleQueue[Task | None] = SimpleQueue()  # None: some task wants its place back
        self._lock = threading.Lock()
        self._free = 0  # places that no thread holds
        self._returning: deque[threading.Lock] = deque()  # of tasks that want a place back: locked until they have it
        self._spares: list[threading.Lock] = []  # of threads without a place: locked until they have one
        self.lent = 0
        """How many tasks wait with their places lent, or to get them back."""
        for _ in range(places):
            self._start_thread()

    def add(self, task: Task) -> None:
        """Queue a task."""
        self._tasks.put(task)
        if self._free:  # read after the task is there, as `lend` looks at the queue after it has freed a place
            self._fill_place()

    def lend(self) -> bool:
        """Lend the calling thread's place; return False where too many are lent already."""
        with self._lock:
            if self.lent >= self._most_lent:
                return False
            self.lent += 1
            self._give_place()
        if not self._tasks.empty():
            self._fill_place()
        return True

    def take_back(self) -> None:
        """Wait until the calling thread, whose place was lent, has one again."""
        with self._lock:
            if self._free:
                self._free -= 1
                self.lent -= 1
                return
            turn = _locked()
            self._returning.append(turn)
        self._tasks.put(None)  # for a thread that waits for a task; one that runs a task looks by itself after it
        turn.acquire()

    def _give_place(self) -> None:
        """Hand a place to the first task that wants one back; where there is none, it is free."""
        if self._returning:
            self._returning.popleft().release()
            self.lent -= 1
        else:
            self._free += 1

    def _fill_place(self) -> None:
        """Have a thread take a place that is free, where one still is."""
        with self._lock:
            if not self._free:
                return
            self._free -= 1
            if self._spares:
                self._spares.pop().release()
                return
        try:
            self._start_thread()
        except RuntimeError:  # the system has no more threads for us: the task waits for one of those that are there
            logger.warning("No thread could be started in a place that was lent", exc_info=True)
            with self._lock:
                self._give_place()

    def _start_thread(self) -> None:
        threading.Thread(target=self._work, name=f"{self._name}-{next(self._numbers)}", daemon=True).start()

    def _work(self) -> None:
        hold_place_of(self)
        while True:
            if self._returning and not self._gave_way():
                return
            task = self._tasks.get()
            if task is not None:
                self._run(task)

    def _gave_way(self) -> bool:
        """Hand our place over and wait for another; return False where none was to be had for a long time."""
        with self._lock:
            if not self._returning:
                return True
            self._give_place()
            turn = _locked()
            self._spares.append(turn)
        return turn.acquire(timeout=self._idle_seconds) or not self._retired(turn)

    def _retired(self, turn: threading.Lock) -> bool:
        """Stop being a spare; return False where we have got a place meanwhile."""
        with self._lock:
            if turn in self._spares:
                self._spares.remove(turn)
                return True
            return False


def _locked() -> threading.Lock:
    lock = threading.Lock()
    lock.acquire()
    return lock
