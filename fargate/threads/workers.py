"""A fixed number of threads that handle requests for an event loop.

ThreadPoolExecutor with `run_in_executor` is not used: its threads are no daemons and lend no permits, and it wakes the
loop for every result, which takes 28 us of CPU a call; this takes 5.
"""

import asyncio
import time
from collections import deque
from collections.abc import Callable
from typing import Any, Generic, TypeVar

from fargate.threads.thread_pool import ThreadPool

Request = TypeVar("Request")
Response = TypeVar("Response")
Outcome = TypeVar("Outcome")


class Workers(Generic[Request, Response]):
    """Threads that apply one function to requests, in the order in which they were submitted.

    Args:
        handle: the function; the future gets its result or exception.
        threads: how many requests are handled at the same time.
        name: prefix of the threads' names.
        on_start: callback at the start of each request: seconds that it waited for a thread.
    """

    def __init__(
        self,
        handle: Callable[[Request], Response],
        threads: int,
        name: str,
        on_start: Callable[[float], None] = lambda seconds: None,
    ) -> None:
        self._handle = handle
        self._on_start = on_start
        self._results: ResultQueue | None = None
        self._pool: ThreadPool[tuple[Request, asyncio.Future[Response], ResultQueue, float]]
        self._pool = ThreadPool(self._run, threads, name)

    @property
    def lent(self) -> int:
        """How many requests only wait, with their permits lent (`fargate.threads.waiting`)."""
        return self._pool.lent

    def submit(self, request: Request) -> "asyncio.Future[Response]":
        """Queue a request, in a running event loop. If its future is cancelled before it starts, it is skipped."""
        loop = asyncio.get_running_loop()
        results = self._results
        if results is None or results.loop is not loop:  # Mangum may run several loops, one after the other
            results = self._results = ResultQueue(loop)
        future: asyncio.Future[Response] = loop.create_future()
        self._pool.add((request, future, results, time.perf_counter()))
        return future

    def _run(self, submitted: "tuple[Request, asyncio.Future[Response], ResultQueue, float]") -> None:
        request, future, results, submitted_at = submitted
        self._on_start(time.perf_counter() - submitted_at)
        if not future.cancelled():
            self._settle(request, future, results)

    def _settle(self, request: Request, future: "asyncio.Future[Response]", results: "ResultQueue") -> None:
        try:
            response = self._handle(request)
        except Exception as error:  # noqa: BLE001  not swallowed: the future gets it
            results.settle(future, future.set_exception, error)
        else:
            results.settle(future, future.set_result, response)


class ResultQueue:
    """Results of threads for an event loop, which is woken once for all results that arrive before it runs."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self.loop = loop
        self._callbacks: deque[Callable[[], None]] = deque()
        self._is_woken = False

    def settle(self, future: "asyncio.Future[Any]", settle: Callable[[Outcome], None], outcome: Outcome) -> None:
        """Settle a future in its loop, unless it is done by then or the loop is closed."""

        def unless_done() -> None:
            if not future.done():
                settle(outcome)

        self._callbacks.append(unless_done)
        if not self._is_woken and not self.loop.is_closed():
            self._is_woken = True
            self.loop.call_soon_threadsafe(self._empty)

    def _empty(self) -> None:
        self._is_woken = False  # before the loop below: a callback that is added from now on wakes the event loop again
        while self._callbacks:
            self._callbacks.popleft()()
