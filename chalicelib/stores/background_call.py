"""A call that cannot be told to stop, such as one of the system's resolver: made in a thread of its own.

What must hold: callers wait as long as they choose; one call is under way at a time, so threads do not pile up while
calls hang.
"""

import threading
from collections.abc import Callable
from concurrent.futures import Future
from typing import Generic, TypeVar

Answer = TypeVar("Answer")


class BackgroundCall(Generic[Answer]):
    """Makes one call at a time, for all who ask meanwhile. Thread-safe.

    Args:
        name: the name of its thread.
        call: what to call; its exceptions reach those who wait.
    """

    def __init__(self, name: str, call: Callable[[], Answer]) -> None:
        self._name = name
        self._call = call
        self._lock = threading.Lock()
        self._running: Future[Answer] | None = None

    def start(self) -> "Future[Answer]":
        """Return the answer of the call that is under way, or of a new one, to be waited for.

        Raises:
            OSError: no thread can be started.
        """
        with self._lock:
            if self._running is None:
                running: Future[Answer] = Future()
                self._start_thread(running)
                self._running = running
            return self._running

    def _start_thread(self, running: "Future[Answer]") -> None:
        try:
            threading.Thread(target=self._run, args=(running,), name=self._name, daemon=True).start()
        except RuntimeError as error:  # too many threads, or the interpreter is ending
            raise OSError(f"{self._name}: {error}") from error

    def _run(self, running: "Future[Answer]") -> None:
        try:
            answer = self._call()
        except BaseException as error:  # noqa: BLE001  it is not swallowed: those who wait get it
            self._end()
            running.set_exception(error)
        else:
            self._end()
            running.set_result(answer)

    def _end(self) -> None:
        """Let the next caller begin a new call. Before the answer is out: it must not be taken for a later one."""
        with self._lock:
            self._running = None
