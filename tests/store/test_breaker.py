"""Three failures in a row open the breaker; then one probe a second, until one succeeds."""

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

from chalicelib.breaker import Breaker
from tests.store.clock import Clock


def test_two_failures_leave_it_closed() -> None:
    breaker = Breaker(clock=Clock())
    breaker.failed()
    breaker.failed()
    assert breaker.allows()


def test_a_success_starts_the_count_again() -> None:
    breaker = Breaker(clock=Clock())
    for report in (breaker.failed, breaker.failed, breaker.succeeded, breaker.failed, breaker.failed):
        report()
    assert breaker.allows()


def test_open_it_lets_one_probe_through_each_second() -> None:
    clock = Clock()
    breaker = opened(clock)
    assert not breaker.allows()
    clock.now += 0.99
    assert not breaker.allows()
    clock.now += 0.01
    assert [breaker.allows() for _ in range(3)] == [True, False, False]
    clock.now += 1
    assert [breaker.allows() for _ in range(3)] == [True, False, False]


def test_a_failing_probe_starts_another_second() -> None:
    clock = Clock()
    breaker = opened(clock)
    clock.now += 1
    assert breaker.allows()
    clock.now += 0.5
    breaker.failed()
    clock.now += 0.99
    assert not breaker.allows()


def test_a_successful_probe_closes_it() -> None:
    clock = Clock()
    breaker = opened(clock)
    clock.now += 1
    assert breaker.allows()
    breaker.succeeded()
    assert all(breaker.allows() for _ in range(10))


def test_of_many_threads_one_is_the_probe() -> None:
    clock = Clock()
    breaker = opened(clock)
    clock.now += 1
    barrier = threading.Barrier(16)

    def ask() -> bool:
        barrier.wait()
        return breaker.allows()

    with ThreadPoolExecutor(16) as threads:
        assert sum(asked.result() for asked in [threads.submit(ask) for _ in range(16)]) == 1


def opened(clock: Callable[[], float]) -> Breaker:
    breaker = Breaker(clock=clock)
    for _ in range(3):
        breaker.failed()
    return breaker
