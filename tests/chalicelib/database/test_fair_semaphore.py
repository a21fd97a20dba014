"""The semaphore has so many permits; waiting threads receive them in the order of their arrival."""

import threading
import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor

from chalicelib.database.fair_semaphore import FairSemaphore
from local.waiting import wait_until


def test_there_are_no_more_permits_than_it_was_made_with() -> None:
    semaphore = FairSemaphore(2)
    assert [semaphore.acquire(0.01) for _ in range(3)] == [True, True, False]


def test_a_released_permit_can_be_acquired_again() -> None:
    semaphore = FairSemaphore(1)
    for _ in range(3):
        assert semaphore.acquire(0)
        semaphore.release()


def test_waiters_are_served_in_the_order_of_their_arrival() -> None:
    semaphore = FairSemaphore(1)
    semaphore.acquire(0)
    served: list[int] = []

    def use_permit(number: int) -> None:
        assert semaphore.acquire(5)
        served.append(number)
        semaphore.release()

    with ThreadPoolExecutor(8) as threads:
        for number in range(8):
            start_waiting(semaphore, threads, lambda number=number: use_permit(number))
        semaphore.release()
    assert served == list(range(8))


def test_a_thread_that_has_just_released_does_not_overtake_a_waiter() -> None:
    semaphore = FairSemaphore(1)
    semaphore.acquire(0)
    with ThreadPoolExecutor(1) as threads:
        waiter = start_waiting(semaphore, threads, lambda: semaphore.acquire(5))
        semaphore.release()
        assert not semaphore.acquire(0)
        assert waiter.result()


def test_a_waiter_that_timed_out_receives_no_permit() -> None:
    semaphore = FairSemaphore(1)
    semaphore.acquire(0)
    assert not semaphore.acquire(0.01)
    semaphore.release()
    assert semaphore.acquire(0)


def test_no_permit_is_lost_or_made_when_many_threads_time_out() -> None:
    semaphore = FairSemaphore(3)
    used = 0
    most = 0
    lock = threading.Lock()

    def hurry() -> None:
        nonlocal used, most
        for _ in range(200):
            if semaphore.acquire(0.0005):
                with lock:
                    used += 1
                    most = max(most, used)
                time.sleep(0.0002)
                with lock:
                    used -= 1
                semaphore.release()

    with ThreadPoolExecutor(12) as threads:
        for done in [threads.submit(hurry) for _ in range(12)]:
            done.result()
    assert most == 3
    assert [semaphore.acquire(0) for _ in range(4)] == [True, True, True, False]


def start_waiting(
    semaphore: FairSemaphore, threads: ThreadPoolExecutor, action: Callable[[], object]
) -> "Future[object]":
    """Start an action that waits for a permit; return once it waits."""
    before = len(semaphore._waiters)
    started = threads.submit(action)
    assert wait_until(lambda: len(semaphore._waiters) > before, 5)
    return started
