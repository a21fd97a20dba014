"""A turnstile lets so many threads in at a time, and the others in the order of their arrival."""

import threading
import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor

from chalicelib.database.fair_semaphore import FairSemaphore
from tests.chalicelib.database.products import wait_until


def test_no_more_than_its_places_get_in() -> None:
    turnstile = FairSemaphore(2)
    assert [turnstile.enter(0.01) for _ in range(3)] == [True, True, False]


def test_who_leaves_makes_a_place() -> None:
    turnstile = FairSemaphore(1)
    for _ in range(3):
        assert turnstile.enter(0)
        turnstile.leave()


def test_places_are_handed_on_in_the_order_of_arrival() -> None:
    turnstile = FairSemaphore(1)
    turnstile.enter(0)
    arrived: list[int] = []

    def pass_through(number: int) -> None:
        assert turnstile.enter(5)
        arrived.append(number)
        turnstile.leave()

    with ThreadPoolExecutor(8) as threads:
        for number in range(8):
            in_line(turnstile, threads, lambda number=number: pass_through(number))
        turnstile.leave()
    assert arrived == list(range(8))


def test_who_has_just_left_stands_at_the_end_of_the_line() -> None:
    turnstile = FairSemaphore(1)
    turnstile.enter(0)
    with ThreadPoolExecutor(1) as threads:
        other = in_line(turnstile, threads, lambda: turnstile.enter(5))
        turnstile.leave()
        assert not turnstile.enter(0), "the place was handed on, not up for grabs"
        assert other.result()


def test_who_has_given_up_is_not_handed_a_place() -> None:
    turnstile = FairSemaphore(1)
    turnstile.enter(0)
    assert not turnstile.enter(0.01)
    turnstile.leave()
    assert turnstile.enter(0)


def test_no_place_is_lost_or_won_however_threads_give_up() -> None:
    turnstile = FairSemaphore(3)
    inside = 0
    most = 0
    lock = threading.Lock()

    def hurry() -> None:
        nonlocal inside, most
        for _ in range(200):
            if turnstile.enter(0.0005):
                with lock:
                    inside += 1
                    most = max(most, inside)
                time.sleep(0.0002)
                with lock:
                    inside -= 1
                turnstile.leave()

    with ThreadPoolExecutor(12) as threads:
        for done in [threads.submit(hurry) for _ in range(12)]:
            done.result()
    assert most == 3
    assert [turnstile.enter(0) for _ in range(4)] == [True, True, True, False]


def in_line(turnstile: FairSemaphore, threads: ThreadPoolExecutor, action: Callable[[], object]) -> "Future[object]":
    """Start an action that waits at the turnstile, and return once it does."""
    before = len(turnstile._line)
    started = threads.submit(action)
    wait_until(lambda: len(turnstile._line) > before)
    return started
