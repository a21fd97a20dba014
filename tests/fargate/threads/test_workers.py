"""Threads handle requests for an event loop, which is woken once for several results and gets all of them."""

import asyncio
from collections.abc import Callable
from typing import Any, cast

from fargate.threads.waiting import sleep
from fargate.threads.workers import ResultQueue, Workers


class Loop:
    """An event loop that records the callbacks that wake it."""

    def __init__(self) -> None:
        self.woken: list[Callable[[], None]] = []

    def is_closed(self) -> bool:
        return False

    def call_soon_threadsafe(self, callback: Callable[[], None]) -> None:
        self.woken.append(callback)


class PendingFuture:
    """A future that is not done."""

    def done(self) -> bool:
        return False


def settle(results: ResultQueue, settled: list[str], outcome: str) -> None:
    results.settle(cast(Any, PendingFuture()), settled.append, outcome)


def test_a_loop_is_woken_once_for_all_results_before_it_runs() -> None:
    loop, settled = Loop(), list[str]()
    results = ResultQueue(cast(Any, loop))
    for outcome in "abc":
        settle(results, settled, outcome)
    assert (len(loop.woken), settled) == (1, [])
    loop.woken[0]()
    assert settled == ["a", "b", "c"]
    settle(results, settled, "d")
    loop.woken[1]()
    assert settled == ["a", "b", "c", "d"]


def test_a_result_that_comes_while_it_runs_wakes_it_again() -> None:
    loop, settled = Loop(), list[str]()
    results = ResultQueue(cast(Any, loop))
    late = ["late"]

    def settle_and_add_another(outcome: str) -> None:
        settled.append(outcome)
        if late:
            settle(results, settled, late.pop())

    results.settle(cast(Any, PendingFuture()), settle_and_add_another, "first")
    loop.woken[0]()
    assert settled == ["first", "late"]
    assert len(loop.woken) == 2


def test_thousands_of_results_all_arrive_in_one_loop_and_in_the_next() -> None:
    workers: Workers[int, int] = Workers(lambda number: number * 2, 8, "test")

    async def ask(first: int) -> list[int]:
        answers = [workers.submit(number) for number in range(first, first + 2000)]
        return await asyncio.wait_for(asyncio.gather(*answers), 60)

    for first in (0, 5000):
        assert asyncio.run(ask(first)) == [number * 2 for number in range(first, first + 2000)]


def test_requests_that_wait_lend_their_permits_and_all_finish() -> None:
    async def ask() -> tuple[list[int], int]:
        answers = [workers.submit(number) for number in range(100)]
        most = 0
        while not all(answer.done() for answer in answers):
            most = max(most, workers.lent)
            await asyncio.sleep(0.01)
        return [answer.result() for answer in answers], most

    def wait(number: int) -> int:
        sleep(1)
        return number

    workers: Workers[int, int] = Workers(wait, 2, "test")
    answers, most = asyncio.run(ask())
    assert answers == list(range(100))
    assert most == 100
