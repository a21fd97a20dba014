"""A fixed number of threads that answer requests for an event loop.

Unlike `concurrent.futures`, its threads are daemons: a handler that never returns cannot keep a drained process alive.
"""

import asyncio
import threading
import time
from collections.abc import Callable
from queue import SimpleQueue
from typing import Generic, TypeVar

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
        self._queue: SimpleQueue[tuple[Request, asyncio.Future[Response], float]] = SimpleQueue()
        for number in range(threads):
            threading.Thread(target=self._work, name=f"{name}-{number}", daemon=True).start()

    def submit(self, request: Request) -> "asyncio.Future[Response]":
        """Queue a request from a running event loop; one whose future is cancelled before its turn is not handled."""
        answer: asyncio.Future[Response] = asyncio.get_running_loop().create_future()
        self._queue.put((request, answer, time.perf_counter()))
        return answer

    def _work(self) -> None:
        while True:
            request, answer, submitted = self._queue.get()
            self._waited(time.perf_counter() - submitted)
            if not answer.cancelled():
                _answer(answer, self._handle, request)


def _answer(answer: "asyncio.Future[Response]", handle: Callable[[Request], Response], request: Request) -> None:
    try:
        response = handle(request)
    except Exception as error:  # noqa: BLE001  it is not swallowed: whoever waits for the answer gets it
        _settle(answer, answer.set_exception, error)
    else:
        _settle(answer, answer.set_result, response)


def _settle(answer: "asyncio.Future[Response]", settle: Callable[[Outcome], None], outcome: Outcome) -> None:
    """Settle a future in its loop; one that nobody waits for any more is left alone, and so is a closed loop."""

    def unless_done() -> None:
        if not answer.done():
            settle(outcome)

    loop = answer.get_loop()
    if not loop.is_closed():
        loop.call_soon_threadsafe(unless_done)
