"""The circuit opens after failures in a row, and closes when a retry in the background succeeds."""

import threading

import pytest

from chalicelib.redis_client.errors import RedisConnectionError, RedisError
from chalicelib.stores.circuit_breaker import CircuitBreaker
from local.waiting import wait_until


class Store:
    """A store that a test takes away and brings back."""

    def __init__(self) -> None:
        self.away = threading.Event()
        self.retries = 0

    def ask(self) -> str:
        if self.away.is_set():
            raise RedisConnectionError("away")
        return "answer"

    def try_connect(self) -> str:
        self.retries += 1
        return self.ask()


@pytest.fixture
def store() -> Store:
    return Store()


def fail(breaker: CircuitBreaker, store: Store, times: int) -> None:
    store.away.set()
    for _ in range(times):
        with pytest.raises(RedisConnectionError):
            breaker.call(store.ask)


def test_three_failures_in_a_row_open_it_and_one_answer_to_a_retry_closes_it(store: Store) -> None:
    breaker = CircuitBreaker("Redis", store.try_connect, RedisError, retry_seconds=0.01)
    fail(breaker, store, 2)
    assert not breaker.is_open
    fail(breaker, store, 1)
    assert breaker.is_open
    assert wait_until(lambda: store.retries >= 2, 10)
    assert breaker.is_open
    store.away.clear()
    assert wait_until(lambda: not breaker.is_open, 10)
    assert breaker.call(store.ask) == "answer"
    assert breaker.failures == 3


def test_an_answer_between_failures_keeps_it_closed(store: Store) -> None:
    breaker = CircuitBreaker("Redis", store.try_connect, RedisError)
    for _ in range(10):
        fail(breaker, store, 2)
        store.away.clear()
        breaker.call(store.ask)
    assert not breaker.is_open


def test_an_error_that_opens_at_once_needs_no_second_one(store: Store) -> None:
    breaker = CircuitBreaker("Redis", store.try_connect, RedisError, opens_at_once=RedisConnectionError)
    fail(breaker, store, 1)
    assert breaker.is_open
    store.away.clear()


def test_other_errors_do_not_count(store: Store) -> None:
    breaker = CircuitBreaker("Redis", store.try_connect, RedisError, failures_to_open=1)
    with pytest.raises(ZeroDivisionError):
        breaker.call(lambda: 1 / 0)
    assert (breaker.is_open, breaker.failures) == (False, 0)


def test_an_outage_does_not_fill_the_log(store: Store, caplog: pytest.LogCaptureFixture) -> None:
    breaker = CircuitBreaker("Redis", store.try_connect, RedisError, failures_to_open=10_000)
    fail(breaker, store, 100)
    assert len(lines_of(caplog)) == 1


def test_what_a_store_refuses_is_counted_and_never_opens_it(store: Store, caplog: pytest.LogCaptureFixture) -> None:
    breaker = CircuitBreaker("Redis", store.try_connect, RedisError, is_refusal=lambda error: "away" in str(error))
    fail(breaker, store, 100)
    assert (breaker.is_open, breaker.failures) == (False, 100)
    assert ["is used, but refuses" in line for line in lines_of(caplog)] == [True]


def lines_of(caplog: pytest.LogCaptureFixture) -> list[str]:
    """Return the lines about failures, without one that says that the store of the test before is back."""
    return [line for line in caplog.messages if "failures so far" in line]
