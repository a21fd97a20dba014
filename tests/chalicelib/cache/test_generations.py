"""A Redis that comes back with old data (a promoted replica, a restored snapshot), on every path of a read.

Two real servers, real replication, and a name that moves from one to the other, as a failover does it.
"""

import asyncio
import contextlib
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path

import pytest
import redis

from chalicelib.cache import hot_set
from chalicelib.ports import CacheResult, Reading
from chalicelib.redis_client import generations
from chalicelib.redis_client.thread_connections import ThreadConnections
from local.ports import LOOPBACK
from local.waiting import wait_until
from tests.chalicelib.cache.conftest import Task
from tests.fixtures.entries import held, put
from tests.fixtures.redis_clients import loop_connection, redis_client
from tests.fixtures.stores import OwnRedis, running_redis
from tests.fixtures.wire import Network, Proxy

OLD, NEW = b'{"id":1,"price":1}', b'{"id":1,"price":2}'


class Name:
    """A host name of a Redis that can be moved to another server."""

    def __init__(self, proxy: Proxy) -> None:
        self.proxy = proxy
        self.url = f"redis://{LOOPBACK}:{proxy.port}/0"

    def move_to(self, server: OwnRedis) -> None:
        self.proxy.fail_over(server.port)


class Loop:
    """An event loop that runs while a test does other things."""

    def __init__(self) -> None:
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._thread.start()

    def read(self, task: Task, product_id: int) -> Reading | None:
        async def read() -> Reading | None:
            return task.cache.read_from_memory(product_id) or await task.cache.read_from_loop(product_id)

        return asyncio.run_coroutine_threadsafe(read(), self._loop).result(10)

    def end(self, task: Task) -> None:
        asyncio.run_coroutine_threadsafe(task.shared._lookups.close(), self._loop).result(10)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(10)
        self._loop.close()


@pytest.fixture
def replica() -> Iterator[OwnRedis]:
    with running_redis() as server:
        yield server


@pytest.fixture
def name(own_redis: OwnRedis) -> Iterator[Name]:
    with Network() as network:
        yield Name(network.proxy(own_redis.port))


@pytest.fixture
def new_task(name: Name) -> Iterator[Callable[[], Task]]:
    """Makes tasks that reach their Redis by its name and really wait."""
    with contextlib.ExitStack() as stack:

        def make() -> Task:
            client = stack.enter_context(redis_client(name.url))
            task = Task(client, loop_connection=partial(loop_connection, name.url))
            task.cache._sleep = time.sleep
            return task

        yield make


@pytest.fixture
def task(new_task: Callable[[], Task]) -> Task:
    return new_task()


@pytest.fixture
def loop(task: Task) -> Iterator[Loop]:
    loop = Loop()
    yield loop
    loop.end(task)


def admin(server: OwnRedis) -> redis.Redis:
    return redis.Redis.from_url(server.url)


def follow(primary: OwnRedis, replica: OwnRedis) -> None:
    """Wait until the replica has the primary's data."""
    with admin(primary) as at_primary, admin(replica) as at_replica:
        at_replica.replicaof(LOOPBACK, str(primary.port))
        assert wait_until(lambda: at_replica.info("replication")["master_link_status"] == "up", 20)
        assert wait_until(lambda: at_primary.wait(1, 1000) == 1, 20)


def promote(replica: OwnRedis) -> None:
    with admin(replica) as client:
        client.replicaof("NO", "ONE")


def write(task: Task, body: bytes) -> None:
    """Write product 1, from its fence to its acknowledgement."""
    fence = task.cache.fence(1)
    fence.raise_()
    fence.publish(body)


def make_old(task: Task, primary: OwnRedis, replica: OwnRedis) -> None:
    """Leave a replica with a body that is older than an acknowledged write."""
    assert task.cache.read(1, lambda: OLD).body == OLD
    follow(primary, replica)
    promote(replica)  # the primary no longer reaches it
    write(task, NEW)
    with admin(replica) as client:
        stored = client.get("p1:1")
        assert isinstance(stored, bytes)
        assert stored.endswith(OLD), "the old data is there"


class TestPromotedReplica:
    """The replica is cut off, a write is acknowledged, the replica is promoted, and the name moves to it."""

    def test_a_thread_does_not_return_its_old_entry(
        self, task: Task, name: Name, own_redis: OwnRedis, replica: OwnRedis
    ) -> None:
        make_old(task, own_redis, replica)
        name.move_to(replica)
        task.forget()
        assert task.cache.read(1, lambda: NEW) == Reading(NEW, CacheResult.MISS)
        assert task.cache.read(1, lambda: pytest.fail("it is there")) == Reading(NEW, CacheResult.HIT)

    def test_an_event_loop_does_not_return_its_old_entry(
        self, task: Task, loop: Loop, name: Name, own_redis: OwnRedis, replica: OwnRedis
    ) -> None:
        make_old(task, own_redis, replica)
        assert loop.read(task, 1) == Reading(NEW, CacheResult.HIT)
        name.move_to(replica)
        task.forget()
        assert loop.read(task, 1) is None
        task.cache.read(1, lambda: NEW)
        task.forget()
        assert loop.read(task, 1) == Reading(NEW, CacheResult.HIT)

    def test_its_old_entry_is_not_copied_to_memory(
        self, task: Task, loop: Loop, name: Name, own_redis: OwnRedis, replica: OwnRedis
    ) -> None:
        make_old(task, own_redis, replica)
        name.move_to(replica)
        for _ in range(3):
            task.local.record_request(
                1, time.monotonic()
            )  # the product is hot, so an entry of this generation would be copied
            assert loop.read(task, 1) is None
            assert task.local.get(1) is None

    def test_a_write_waits_for_copies_that_were_announced_to_the_other_server(
        self, task: Task, name: Name, own_redis: OwnRedis, replica: OwnRedis
    ) -> None:
        hot_set.create(ThreadConnections(task.client.shop).ask)
        with admin(own_redis) as client:
            for member in client.zrange(hot_set.KEY, 0, -1):
                client.zadd(hot_set.KEY, {member: -(time.time() - 60) * 1000})  # as old as its copy
        make_old(task, own_redis, replica)
        task.cache.read(1, lambda: NEW)
        task.warm(1)
        name.move_to(replica)
        began = time.monotonic()
        write(task, OLD)
        assert time.monotonic() - began >= hot_set.LONGEST_WAIT_MS / 1000 - 0.02
        assert task.local.get(1) is None

    def test_each_product_is_loaded_once_among_all_tasks(
        self, new_task: Callable[[], Task], name: Name, own_redis: OwnRedis, replica: OwnRedis
    ) -> None:
        tasks = [new_task(), new_task()]
        for product_id in range(10):
            tasks[0].cache.read(product_id, lambda: OLD)
        make_old(tasks[0], own_redis, replica)
        name.move_to(replica)
        loads: list[int] = []

        def read(number: int) -> bytes | None:
            product_id = number % 10

            def load() -> bytes:
                loads.append(product_id)
                time.sleep(0.05)  # so that other readers arrive in between
                return NEW

            return tasks[number % 2].cache.read(product_id, load).body

        for task in tasks:
            task.forget()
        with ThreadPoolExecutor(40) as pool:
            assert set(pool.map(read, [product for product in range(10) for _ in range(8)])) == {NEW}
        assert sorted(loads) == list(range(10))

    def test_a_fence_on_the_other_server_does_not_allow_publishing_here(
        self, task: Task, name: Name, own_redis: OwnRedis, replica: OwnRedis
    ) -> None:
        fence = task.cache.fence(1)
        fence.raise_()
        follow(own_redis, replica)
        promote(replica)
        name.move_to(replica)
        fence.publish(NEW)
        with admin(replica) as client:
            assert client.get("p1:1") is None


class TestSnapshot:
    """The server restarts with a snapshot that is older than a write."""

    @pytest.mark.parametrize("path", ["thread", "loop"])
    def test_its_entries_are_ignored(self, task: Task, loop: Loop, own_redis: OwnRedis, path: str) -> None:
        task.cache.read(1, lambda: OLD)
        with admin(own_redis) as client:
            client.save()
        write(task, NEW)
        own_redis.kill()
        own_redis.start()
        with admin(own_redis) as client:
            assert (client.get("p1:1") or b"").endswith(OLD), "the old data is there"
        task.forget()
        if path == "loop":
            assert loop.read(task, 1) is None
        assert task.cache.read(1, lambda: NEW) == Reading(NEW, CacheResult.MISS)


class TestRolesThatChange:
    """A connection stays open while its server changes its role."""

    def demote_and_promote(self, server: OwnRedis, other: OwnRedis) -> None:
        with admin(server) as client:
            before = generations.parse(client.execute_command(*generations.QUERY))
            client.replicaof(LOOPBACK, str(other.port))
            client.replicaof("NO", "ONE")
            assert generations.parse(client.execute_command(*generations.QUERY)) != before

    def test_an_idle_connection_reads_the_generation_again(
        self, task: Task, loop: Loop, own_redis: OwnRedis, replica: OwnRedis, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(generations, "RECHECK_SECONDS", 0.0)
        task.cache.read(1, lambda: OLD)
        assert loop.read(task, 1) == Reading(OLD, CacheResult.HIT)
        self.demote_and_promote(own_redis, replica)
        task.forget()
        assert loop.read(task, 1) is None
        assert task.cache.read(1, lambda: NEW) == Reading(NEW, CacheResult.MISS)
        assert task.breaker.failures == 0

    def test_a_first_replica_changes_a_primarys_generation_and_reads_stay_correct(
        self, new_task: Callable[[], Task], own_redis: OwnRedis, replica: OwnRedis
    ) -> None:
        before, after = new_task(), new_task()
        before.cache.read(1, lambda: OLD)
        follow(own_redis, replica)
        write(after, NEW)
        assert before.cache.read(1, lambda: NEW).body == NEW
        assert after.cache.read(1, lambda: NEW).body == NEW

    def test_entries_of_no_or_another_generation_are_ignored(self, task: Task, own_redis: OwnRedis) -> None:
        with admin(own_redis) as client:
            for stored in (OLD, b"0" * generations.GENERATION_BYTES + OLD):
                client.set("p1:1", stored)
                assert task.cache.read(1, lambda: NEW) == Reading(NEW, CacheResult.MISS)
            put(client, "p1:1", OLD)
            assert held(client, "p1:1") == OLD


def test_a_server_keeps_its_generation_until_it_restarts(own_redis: OwnRedis, tmp_path: Path) -> None:
    with admin(own_redis) as client:
        seen = {generations.parse(client.execute_command(*generations.QUERY)) for _ in range(3)}
        assert len(seen) == 1
        own_redis.kill()
        own_redis.start()
        assert generations.parse(client.execute_command(*generations.QUERY)) not in seen
