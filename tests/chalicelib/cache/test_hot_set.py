"""How long writers wait for copies in tasks' memories, also after the hot set was lost or Redis's clock has stepped."""

import time

import pytest

from chalicelib.cache import hot_set, scripts
from chalicelib.redis_client.script import Script
from chalicelib.redis_client.thread_connections import ThreadConnections
from tests.chalicelib.cache.conftest import Task
from tests.fixtures.entries import put, since_member
from tests.fixtures.redis_clients import Client

BODY = b'{"id":1}'
LONGEST = hot_set.LONGEST_WAIT_MS / 1000


def wait_of_a_write(task: Task) -> float:
    """Return how long a write of product 1 must wait after its fence."""
    return task.shared.raise_fence("p1:1", b"!a writer")


def since(client: Client) -> float:
    score = client.zscore(hot_set.KEY, since_member(client))
    assert score is not None
    return -score / 1000


@pytest.fixture
def hot(task: Task, client: Client) -> Task:
    """A task with a copy of product 1 in its memory."""
    put(client, "p1:1", BODY)
    task.warm(1)
    return task


def test_after_the_set_was_lost_a_write_waits_for_any_product(hot: Task, client: Client) -> None:
    client.delete(hot_set.KEY)
    first = wait_of_a_write(hot)
    assert LONGEST - 0.01 <= first <= LONGEST
    assert time.time() - since(client) < 60, "the writer has created the set"
    assert 0 < wait_of_a_write(hot) <= first, "the next write waits for the rest of that time"


def test_an_announcement_creates_a_lost_set_and_writers_wait_until_it_is_old_enough(hot: Task, client: Client) -> None:
    client.delete(hot_set.KEY)
    hot.forget()
    hot.local.record_request(1, time.monotonic())
    hot.cache.read(1, lambda: None)
    assert LONGEST - 0.05 <= hot.shared.raise_fence("p1:2", b"!a writer") <= LONGEST


def test_creating_an_existing_set_does_not_change_its_age(task: Task, client: Client) -> None:
    before = since(client)
    hot_set.create(ThreadConnections(task.client.shop).ask)
    assert since(client) == before
    assert client.pttl(hot_set.KEY) == -1


def test_of_two_announcements_the_later_end_counts(client: Client) -> None:
    put(client, "p1:1", BODY)
    long, short = Task(client, 200), Task(client, 20)
    long.warm(1)
    short.warm(1)
    assert wait_of_a_write(short) > 0.1


def test_an_announcement_removes_expired_entries(task: Task, client: Client) -> None:
    client.zadd(hot_set.KEY, {"7": (time.time() - 1) * 1000})
    put(client, "p1:1", BODY)
    task.warm(1)
    assert set(client.zrange(hot_set.KEY, 0, -1)) == {b"1", since_member(client).encode()}


def test_after_the_clock_stepped_back_the_set_counts_as_lost_once(task: Task, client: Client) -> None:
    client.zadd(hot_set.KEY, {since_member(client): -(time.time() + 3600) * 1000, "1": (time.time() + 3600) * 1000})
    assert LONGEST - 0.01 <= wait_of_a_write(task) <= LONGEST
    assert client.zscore(hot_set.KEY, "1") is None
    assert abs(since(client) - time.time()) < 60


def test_an_entry_outlasts_its_copy_by_the_margin(task: Task, client: Client) -> None:
    put(client, "p1:1", BODY)
    task.cache.read(1, lambda: None)
    before = time.time() * 1000
    task.cache.read(1, lambda: None)
    entry = client.zscore(hot_set.KEY, "1")
    assert entry is not None
    assert entry >= int(before) + task.lease_ms + hot_set.MARGIN_MS


@pytest.mark.parametrize(("step_ms", "harmless"), [(0, True), (4, True), (30, False)])
def test_redis_s_clock_may_step_forward_by_less_than_the_margin_while_a_copy_lives(
    hot: Task, monkeypatch: pytest.MonkeyPatch, step_ms: int, harmless: bool
) -> None:
    step_clock(monkeypatch, step_ms)
    wait = wait_of_a_write(hot)
    goes_on = time.monotonic() + wait
    assert (goes_on >= hot.local._kept[1].until) == harmless


def test_after_a_step_back_writes_wait_as_for_a_lost_set(hot: Task, monkeypatch: pytest.MonkeyPatch) -> None:
    step_clock(monkeypatch, -3_600_000)
    assert LONGEST - 0.01 <= wait_of_a_write(hot) <= LONGEST


def step_clock(monkeypatch: pytest.MonkeyPatch, milliseconds: int) -> None:
    """Step Redis's clock between an announcement and the write after it."""
    reads_time = "local time = redis.call('TIME')"
    text = scripts.FENCE.text
    assert reads_time in text
    stepped = f"{reads_time}\ntime = {{time[1], time[2] + {1000 * milliseconds}}}"
    monkeypatch.setattr(scripts, "FENCE", Script(text.replace(reads_time, stepped)))
