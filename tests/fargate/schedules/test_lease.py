"""The lease in a real Redis: one holder, one claim for each due time, and what an outage does."""

import logging
from collections.abc import Callable, Iterator
from datetime import UTC, datetime

import pytest
import redis

from fargate.errors import ConfigurationError
from fargate.schedules.lease import NotNow, RedisLease, redis_lease
from local.waiting import wait_until
from tests.fixtures.stores import OwnRedis

NOON = datetime(2026, 11, 28, 12, tzinfo=UTC)
ONE_PM = NOON.replace(hour=13)

Process = Callable[..., RedisLease]


@pytest.fixture
def process(redis_url: str) -> Iterator[Process]:
    begun: list[RedisLease] = []

    def begin(seconds: float = 60, name: str = "app-dev") -> RedisLease:
        begun.append(redis_lease(redis_url, name, seconds))
        begun[-1].keep()
        return begun[-1]

    yield begin
    for lease in begun:
        lease.release()


def test_one_of_several_holds_it_and_the_number_rises(process: Process, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO, "fargate"):
        first, second = process(), process()
        for _ in range(2):
            first.keep()
            second.keep()
        assert (first.number, second.number) == (1, None)
        first.release()
        second.keep()
        first.keep()
        assert (first.number, second.number) == (None, 2)
    assert caplog.messages == [
        "This process runs the schedules: it holds lease 1",
        "Another process runs the schedules; this one takes over when that ends",
        "This process runs the schedules: it holds lease 2",
        "Another process runs the schedules; this one takes over when that ends",
    ]


def test_no_error_ends_the_thread_that_keeps_it(caplog: pytest.LogCaptureFixture) -> None:
    """Of this host's name, Python makes a UnicodeError."""
    lease = redis_lease("redis://a..b/0", "app-dev", 60)
    lease.keep()
    assert lease.number is None
    assert "No schedule runs until Redis answers again: " in caplog.text


def test_other_apps_have_other_leases(process: Process) -> None:
    process()
    assert process(name="app-prod").number == 1


def test_a_due_time_is_claimed_once_also_by_the_next_holder(process: Process) -> None:
    first = process()
    assert first.begun("job", NOON) == NOON
    assert first.claim(1, "job", ONE_PM)
    first.release()
    second = process()
    assert second.begun("job", ONE_PM.replace(hour=14)) == ONE_PM
    assert not second.claim(2, "job", ONE_PM)
    assert not second.claim(2, "job", NOON)
    assert second.claim(2, "other job", ONE_PM)
    assert second.claim(2, "job", ONE_PM.replace(minute=1))


def test_a_claim_whose_answer_was_lost_is_made_again(process: Process) -> None:
    lease = process()
    assert lease.claim(1, "job", ONE_PM)
    assert lease.claim(1, "job", ONE_PM)


def test_who_has_lost_it_claims_nothing_and_renews_nothing(process: Process, caplog: pytest.LogCaptureFixture) -> None:
    """The old holder was frozen: it learns only by its claim that its time is over."""
    first, second = process(0.05), process(60)
    assert wait_until(lambda: second.keep() or second.number is not None, 10)
    assert first.number == 1
    with pytest.raises(NotNow):
        first.claim(1, "job", ONE_PM)
    assert first.number is None
    with pytest.raises(NotNow):
        first.confirm(1)
    assert second.claim(2, "job", ONE_PM)
    assert caplog.messages == ["Lease 1 is lost: this process runs no schedule until it holds a new one"]


def test_keeping_it_renews_it(process: Process, redis_url: str) -> None:
    lease = process(60)
    with redis.Redis.from_url(redis_url) as client:
        (key,) = client.keys("*:lease")
        client.pexpire(key, 30_000)
        lease.keep()
        assert client.pttl(key) > 30_000


def test_an_outage_is_said_once_and_ends(own_redis: OwnRedis, caplog: pytest.LogCaptureFixture) -> None:
    lease = redis_lease(own_redis.url, "app-dev", 60)
    own_redis.stop()
    for _ in range(3):
        lease.keep()
    with pytest.raises(NotNow):
        lease.claim(1, "job", NOON)
    lease.release()
    assert [record.levelname for record in caplog.records] == ["WARNING"]
    assert "No schedule runs until Redis answers again" in caplog.text
    own_redis.start()
    lease.keep()
    assert lease.number == 1
    lease.release()


@pytest.mark.parametrize("url", ["redis://localhost:port/0", "redis://localhost/0?who=me"])
def test_a_url_that_cannot_be_used_is_refused(url: str) -> None:
    with pytest.raises(ConfigurationError, match="SCHEDULE_REDIS_URL cannot be used"):
        redis_lease(url, "app-dev", 15)
