"""A fixed number of threads that answer requests for an event loop."""

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
    """Threads that apply one function to requests, in the order in which those were submitted.

    Args:
        handle: the function; what it raises reaches whoever waits for the answer.
        threads: how many requests are handled at the same time.
        name: how the threads are called.
        waited: told how long each request waited for its thread, in seconds.
    """

    def __init__(
        self,
        handle: Callable[[Request], Response],
        threads: int,
        name: str,
        waited: Callable[[float], None] = lambda seconds: None,
    ) -> None:
        self._handle = handle
        self._waited = waited
        self._outbox: ResultQueue | None = None
        self._pool: ThreadPool[tuple[Request, asyncio.Future[Response], ResultQueue, float]]
        self._pool = ThreadPool(self._take, threads, name)

    @property
    def lent(self) -> int:
        """How many requests only wait, with their places lent (`fargate.threads.waiting`)."""
        return self._pool.lent

    def submit(self, request: Request) -> "asyncio.Future[Response]":
        """Queue a request from a running event loop; one whose future is cancelled before its turn is not handled."""
        loop = asyncio.get_running_loop()
        outbox = self._outbox
        if outbox is None or outbox.loop is not loop:  # Mangum runs one after the other
            outbox = self._outbox = ResultQueue(loop)
        answer: asyncio.Future[Response] = loop.create_future()
        self._pool.add((request, answer, outbox, time.perf_counter()))
        return answer

    def _take(self, submitted: "tuple[Request, asyncio.Future[Response], ResultQueue, float]") -> None:
        request, answer, outbox, moment = submitted
        self._waited(time.perf_counter() - moment)
        if not answer.cancelled():
            self._answer(request, answer, outbox)

    def _answer(self, request: Request, answer: "asyncio.Future[Response]", outbox: "ResultQueue") -> None:
        try:
            response = self._handle(request)
        except Exception as error:  # noqa: BLE001  it is not swallowed: whoever waits for the answer gets it
            outbox.settle(answer, answer.set_exception, error)
        else:
            outbox.settle(answer, answer.set_result, response)


class ResultQueue:
    """What threads have for an event loop, which is woken once for all that has gathered until it looks."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self.loop = loop
        self._settled: deque[Callable[[], None]] = deque()
        self._is_woken = False

    def settle(self, answer: "asyncio.Future[Any]", settle: Callable[[Outcome], None], outcome: Outcome) -> None:
        """Settle a future in its loop; one that nobody waits for any more is left alone, and so is a closed loop."""

        def unless_done() -> None:
            if not answer.done():
                settle(outcome)

        self._settled.append(unless_done)
        if not self._is_woken and not self.loop.is_closed():
            self._is_woken = True
            self.loop.call_soon_threadsafe(self._empty)

    def _empty(self) -> None:
        self._is_woken = False  # first: whatever is appended from now on wakes the loop again
        while self._settled:
            self._settled.popleft()()
