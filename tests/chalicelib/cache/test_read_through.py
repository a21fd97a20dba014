"""The order of the protocol's steps: who may store what, and how long a writer waits."""

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest

from chalicelib.cache import hot_set
from chalicelib.cache.entries import ABSENT
from chalicelib.errors import CacheUnavailableError
from chalicelib.ports import CacheResult, Reading
from tests.chalicelib.cache.conftest import LEASE_MS, Task
from tests.fixtures.entries import held, put, since_member
from tests.fixtures.redis_clients import Client, redis_client

OLD, NEW = b'{"id":1,"price":1}', b'{"id":1,"price":2}'
KEY = "p1:1"
COPY = (LEASE_MS + hot_set.MARGIN_MS) / 1000  # the longest wait of a writer for a product that was just announced


def never() -> bytes:
    raise AssertionError("the database must not be asked")


def test_a_miss_loads_and_stores_and_the_next_read_is_a_hit(task: Task, client: Client) -> None:
    assert task.cache.read(1, lambda: OLD) == Reading(OLD, CacheResult.MISS)
    assert held(client, KEY) == OLD
    task.forget()
    assert task.cache.read(1, never) == Reading(OLD, CacheResult.HIT)


def test_a_body_expires_within_an_hour_and_absence_within_half_a_minute(task: Task, client: Client) -> None:
    task.cache.read(1, lambda: OLD)
    task.cache.read(2, lambda: None)
    assert 0.95 * 3600 * 1000 - 1000 <= client.pttl(KEY) <= 3600 * 1000
    assert 0.95 * 30 * 1000 - 1000 <= client.pttl("p1:2") <= 30 * 1000


def test_absence_is_cached_in_redis_but_not_in_memory(task: Task, client: Client) -> None:
    assert task.cache.read(1, lambda: None) == Reading(None, CacheResult.MISS)
    assert held(client, KEY) == ABSENT
    assert task.cache.read(1, never) == Reading(None, CacheResult.HIT)
    assert task.local.get(1) is None


def test_a_reader_that_lost_its_lease_answers_and_stores_nothing(task: Task, client: Client) -> None:
    def load_while_the_lease_is_evicted() -> bytes:
        client.delete(KEY)
        return OLD

    assert task.cache.read(1, load_while_the_lease_is_evicted).body == OLD
    assert held(client, KEY) is None
    assert task.local.get(1) is None


def test_a_fence_replaces_the_lease_of_a_reader_that_is_loading(task: Task, client: Client) -> None:
    fence = task.cache.fence(1)

    def load_while_a_write_begins() -> bytes:
        fence.raise_()
        return OLD

    assert task.cache.read(1, load_while_a_write_begins).body == OLD
    assert held(client, KEY).startswith(b"!")
    fence.publish(NEW)
    assert held(client, KEY) == NEW


def test_while_a_fence_is_there_readers_ask_the_database_and_store_nothing(task: Task, client: Client) -> None:
    task.cache.fence(1).raise_()
    before = held(client, KEY)
    assert task.cache.read(1, lambda: OLD) == Reading(OLD, CacheResult.BYPASS)
    assert held(client, KEY) == before
    assert task.local.get(1) is None


def test_a_fence_that_is_not_published_expires(task: Task, client: Client) -> None:
    task.cache.fence(1).raise_()
    assert 4000 < client.pttl(KEY) <= 5000


@pytest.mark.parametrize("written", [NEW, None], ids=["replaced", "removed"])
def test_a_write_is_published(task: Task, client: Client, written: bytes | None) -> None:
    task.cache.read(1, lambda: OLD)
    task.forget()
    fence = task.cache.fence(1)
    fence.raise_()
    fence.publish(written)
    assert task.cache.read(1, never) == Reading(written, CacheResult.HIT)


def test_a_writer_that_finds_another_fence_deletes_it_so_that_neither_publishes(task: Task, client: Client) -> None:
    first, second = task.cache.fence(1), task.cache.fence(1)
    first.raise_()
    second.raise_()
    first.publish(NEW)
    assert held(client, KEY) is None
    second.publish(OLD)
    assert held(client, KEY) is None


def test_a_refused_write_lowers_its_own_fence_and_no_other(task: Task, client: Client) -> None:
    first, second = task.cache.fence(1), task.cache.fence(1)
    first.raise_()
    second.raise_()
    first.lower()
    assert held(client, KEY).startswith(b"!")
    second.lower()
    assert held(client, KEY) is None


@pytest.mark.parametrize("slipped_in", [OLD, ABSENT, b"?someone", b"!someone", None])
def test_after_a_fence_was_evicted_the_entry_is_deleted_and_the_writer_waits_for_copies_again(
    task: Task, client: Client, slipped_in: bytes | None
) -> None:
    fence = task.cache.fence(1)
    fence.raise_()
    client.delete(KEY)
    put(client, KEY, OLD)
    task.warm(1)
    if slipped_in is None:
        client.delete(KEY)
    else:
        put(client, KEY, slipped_in)
    assert task.waits == []
    fence.publish(NEW)
    assert held(client, KEY) is None
    assert len(task.waits) == 1
    assert 0 < task.waits[0] <= COPY


def test_a_write_does_not_wait_for_a_product_that_no_task_has_announced(task: Task, client: Client) -> None:
    put(client, "p1:2", OLD)
    task.warm(2)
    task.cache.read(1, lambda: OLD)
    fence = task.cache.fence(1)
    fence.raise_()
    fence.publish(NEW)
    assert task.waits == []


def test_a_write_waits_once_for_a_copy_in_another_tasks_memory(new_task: Callable[..., Task], client: Client) -> None:
    reader, writer = new_task(lease_ms=1000), new_task(lease_ms=0)
    put(client, KEY, OLD)
    reader.warm(1)
    fence = writer.cache.fence(1)
    fence.raise_()
    fence.publish(NEW)
    assert len(writer.waits) == 1
    assert COPY < writer.waits[0] <= 1 + hot_set.MARGIN_MS / 1000, "the reader's lease counts"


def test_neither_a_loaded_product_nor_one_that_was_read_once_is_copied_to_memory(task: Task, client: Client) -> None:
    task.cache.read(1, lambda: OLD)
    assert task.local.get(1) is None
    task.cache.read(1, never)
    assert task.local.get(1) is None
    task.cache.read(1, never)
    assert task.local.get(1) == OLD


def test_a_task_without_copies_announces_nothing(new_task: Callable[..., Task], client: Client) -> None:
    task = new_task(lease_ms=0)
    for _ in range(5):
        task.cache.read(1, lambda: OLD)
    assert client.zrange(hot_set.KEY, 0, -1) == [since_member(client).encode()]


def test_a_copys_lifetime_begins_before_redis_is_asked(new_task: Callable[..., Task]) -> None:
    task, now = new_task(), [0.0]
    task.cache.read(1, lambda: OLD)
    task.cache._clock = task.local._clock = lambda: now[0]
    task.local.record_request(1, 0.0)
    look = task.shared.look_or_lease

    def slowly(key: str, lease: bytes, keep_ms: int) -> bytes | None:
        entry = look(key, lease, keep_ms)
        now[0] = 0.02
        return entry

    task.shared.look_or_lease = slowly
    task.cache.read(1, never)
    assert task.local._kept[1].until == LEASE_MS / 1000


def test_a_lease_that_was_requested_twice_over_a_dying_connection_is_ours(task: Task) -> None:
    for _ in range(2):
        assert task.shared.look_or_lease(KEY, b"?mine", 0) is None
    assert task.shared.look_or_lease(KEY, b"?another", 0) == b"?mine"


def test_of_many_readers_of_a_cold_product_on_two_tasks_one_loads(new_task: Callable[..., Task]) -> None:
    tasks = [new_task(), new_task()]
    for task in tasks:
        task.cache._sleep = threading.Event().wait
    loads, ready = [], threading.Barrier(40)

    def load() -> bytes:
        loads.append(1)
        threading.Event().wait(0.05)
        return OLD

    def read(number: int) -> bytes | None:
        ready.wait()
        return tasks[number % 2].cache.read(1, load).body

    with ThreadPoolExecutor(40) as pool:
        assert set(pool.map(read, range(40))) == {OLD}
    assert len(loads) == 1


def test_after_a_reader_failed_to_load_the_next_one_may_try(task: Task, client: Client) -> None:
    def fail() -> bytes:
        raise CacheUnavailableError("the database is away")

    with pytest.raises(CacheUnavailableError):
        task.cache.read(1, fail)
    assert held(client, KEY) is None
    assert task.cache.read(1, lambda: OLD).body == OLD


def test_scripts_that_redis_no_longer_has_are_sent_again(task: Task, client: Client) -> None:
    task.cache.read(1, lambda: OLD)
    client.script_flush()
    client.delete(KEY)
    task.forget()
    assert task.cache.read(1, lambda: OLD).result == CacheResult.MISS
    client.script_flush()
    fence = task.cache.fence(1)
    fence.raise_()
    client.script_flush()
    fence.publish(NEW)
    assert held(client, KEY) == NEW


def test_entries_of_a_primary_that_became_a_replica_are_ignored(own_redis, redis_server) -> None:
    with redis_client(own_redis.url) as client:
        task = Task(client, lease_ms=0)
        task.cache.read(1, lambda: OLD)
        client.replicaof("127.0.0.1", str(redis_server.port))
        assert task.cache.read(1, lambda: NEW) == Reading(NEW, CacheResult.BYPASS)
        with pytest.raises(CacheUnavailableError):
            task.cache.fence(1).raise_()
        client.replicaof("NO", "ONE")
