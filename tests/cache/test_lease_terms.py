"""Writers wait for the longest local lease that any task may hold, also while a deployment changes it."""

from collections.abc import Callable
from typing import Any

import pytest
import redis

from chalicelib.guard import Guard
from chalicelib.lease_terms import KEY, LeaseTerms
from local.waiting import wait_until

WINDOW = 0.4


@pytest.fixture
def terms(client: redis.Redis) -> Callable[[int], LeaseTerms]:
    guard = Guard("Redis", lambda: None, redis.RedisError)
    return lambda lease_ms: LeaseTerms(client, lease_ms, guard, window_seconds=WINDOW)


def longest(client: redis.Redis, writer: LeaseTerms) -> float:
    """Ask as a writer does, behind its fence."""
    pipeline = client.pipeline(transaction=False)
    writer.queue(pipeline)
    answer: Any = pipeline.execute(raise_on_error=False)[0]
    return writer.longest_seconds(answer)


def settle(client: redis.Redis, *all_tasks: LeaseTerms) -> None:
    """Let every task enter its length until the unknown past no longer counts."""
    assert wait_until(lambda: max(longest(client, task) for task in all_tasks) < 0.25, 10)


def test_while_nobody_knows_writers_wait_the_longest_length_there_can_be(client, terms) -> None:
    assert longest(client, terms(50)) == 0.25


def test_once_settled_the_longest_of_all_tasks_counts(client, terms) -> None:
    short, long = terms(50), terms(120)
    settle(client, short, long)
    assert longest(client, short) == 0.12
    assert longest(client, terms(0)) == 0.12


def test_without_local_leases_nobody_waits(client, terms) -> None:
    task = terms(0)
    settle(client, task)
    assert longest(client, task) == 0


def test_a_task_that_ended_is_forgotten_after_two_windows(client, terms) -> None:
    short, ending = terms(50), terms(200)
    settle(client, short, ending)
    assert longest(client, ending) == 0.2
    assert wait_until(lambda: longest(client, short) == 0.05, 10)


def test_a_longer_length_counts_from_its_first_entry(client, terms) -> None:
    old = terms(0)
    settle(client, old)
    new = terms(200)
    assert new.lease_seconds() == 0.2
    assert longest(client, old) == 0.2


def test_after_a_loss_the_longest_counts_until_everybody_has_entered_anew(client, terms) -> None:
    short, long = terms(50), terms(200)
    settle(client, short, long)
    client.flushdb()
    assert longest(client, short) == 0.25
    assert longest(client, short) == 0.25


def test_an_entry_that_could_not_be_renewed_is_trusted_for_one_window_at_most(client) -> None:
    now = [0.0]
    guard = Guard("Redis", lambda: None, redis.RedisError)
    task = LeaseTerms(client, 50, guard, window_seconds=5, clock=lambda: now[0])
    assert task.lease_seconds() == 0.05
    task._renew = lambda at: None  # Redis does not answer any more
    now[0] = 4.9
    assert task.lease_seconds() == 0.05
    now[0] = 4.96
    assert task.lease_seconds() == 0, "a lease taken now would outlive the entry"


def test_the_hash_is_one_key_that_no_product_has(client, terms) -> None:
    longest(client, terms(50))
    assert client.keys("*") == [KEY.encode()]
    assert not KEY.removeprefix("p1:").isdecimal()
