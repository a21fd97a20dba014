"""What an event loop learns of a read: the same answers in fewer round trips, and nothing that takes a thread."""

import asyncio
from functools import partial

import pytest

from chalicelib.cache import hot_set
from chalicelib.cache.entries import ABSENT, new_fence, new_lease
from chalicelib.ports import CacheResult, Reading
from tests.chalicelib.cache.conftest import Task
from tests.fixtures.entries import held, put
from tests.fixtures.redis_clients import Client, loop_connection, redis_client
from tests.fixtures.stores import OwnRedis

BODY = b'{"id":1}'
HIT = Reading(BODY, CacheResult.HIT)


class TestReadFromLoop:
    """The cache answers an event loop what it would answer a thread, or leaves it to one."""

    @pytest.fixture
    def task(self, redis_url: str, client: Client) -> Task:
        return Task(client, loop_connection=partial(loop_connection, redis_url))

    def read(self, task: Task) -> Reading | None:
        async def read() -> Reading | None:
            kept = task.cache.read_from_memory(1)
            if kept is not None:
                return kept
            try:
                return await task.cache.read_from_loop(1)
            finally:
                await task.shared._lookups.close()

        return asyncio.run(read())

    def test_a_body_is_a_hit_and_is_kept_in_memory_where_it_is_asked_for_again(
        self, task: Task, client: Client
    ) -> None:
        put(client, "p1:1", BODY)
        assert self.read(task) == HIT
        assert client.zscore(hot_set.KEY, "1") is None
        task.local.record_request(1, task.cache._clock())
        assert self.read(task) == HIT
        assert client.zscore(hot_set.KEY, "1") is not None
        client.delete("p1:1")
        assert self.read(task) == HIT

    def test_memory_counts_from_before_redis_was_asked(self, redis_url: str, client: Client) -> None:
        now = [0.0]
        task = Task(client, loop_connection=partial(loop_connection, redis_url))
        put(client, "p1:1", BODY)
        until: list[float] = []
        task.cache._clock = lambda: now[0]
        task.local.is_hot = lambda _id, _seconds: True  # type: ignore[method-assign]
        task.local.keep = lambda _id, _body, moment: until.append(moment)  # type: ignore[method-assign]
        look = task.shared.look_from_loop

        async def slowly(key: str, keep_ms: int) -> bytes | None:
            entry = await look(key, keep_ms)
            now[0] = 1.0
            return entry

        task.shared.look_from_loop = slowly  # type: ignore[method-assign,assignment]
        assert self.read(task) == HIT
        assert until == [0.05]

    def test_what_was_missed_and_came_meanwhile_is_a_hit(self, task: Task, client: Client) -> None:
        assert self.read(task) is None
        put(client, "p1:1", BODY)
        assert task.cache.read(1, lambda: pytest.fail("nothing to load")) == HIT

    def test_absence_is_a_hit_too(self, task: Task, client: Client) -> None:
        put(client, "p1:1", ABSENT)
        assert self.read(task) == Reading(None, CacheResult.HIT)

    @pytest.mark.parametrize("entry", [None, new_lease(), new_fence()], ids=["nothing", "a lease", "a fence"])
    def test_what_wants_the_database_is_left_to_a_thread(self, task: Task, client: Client, entry: bytes | None) -> None:
        if entry is not None:
            put(client, "p1:1", entry)
        assert self.read(task) is None
        assert held(client, "p1:1") == entry

    def test_a_task_without_local_leases_needs_none(self, redis_url: str, client: Client) -> None:
        put(client, "p1:1", BODY)
        task = Task(client, 0, loop_connection=partial(loop_connection, redis_url))
        assert self.read(task) == HIT

    def test_where_redis_is_away_it_says_nothing_and_that_is_counted(self, own_redis: OwnRedis) -> None:
        with redis_client(own_redis.url) as client:
            task = Task(client, 0, loop_connection=partial(loop_connection, own_redis.url))
            own_redis.kill()
            for failures in (1, 2, 3):
                assert self.read(task) is None
                assert task.breaker.failures == failures
            assert task.shared.is_away
            assert not task.shared.can_look_from_loop
            assert self.read(task) is None
            assert task.breaker.failures == 3, "Redis is left alone"
            own_redis.start()
