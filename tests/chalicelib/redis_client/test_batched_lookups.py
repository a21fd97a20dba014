"""Lookups from an event loop: many in one round trip, and no answer is taken for another."""

import asyncio
import threading
from collections.abc import Awaitable, Callable, Iterator
from functools import partial

import pytest
import redis

from chalicelib.redis_client.batched_lookups import BatchedLookups
from chalicelib.redis_client.errors import RedisConnectionError, RedisError, RedisResponseError, RedisTimeoutError
from chalicelib.redis_client.loop_connection import LoopConnection
from tests.fixtures.entries import put
from tests.fixtures.redis_clients import Client, loop_connection, redis_client
from tests.fixtures.stores import OwnRedis
from tests.fixtures.wire import Proxy, proxied


class Asked:
    """Lookups, closed at the end of each loop, and how their exchanges went."""

    def __init__(self, url: str, seconds: float = 5.0) -> None:
        self.told: list[Exception | None] = []
        self.lookups = BatchedLookups(partial(loop_connection, url), seconds, lambda _, error: self.told.append(error))

    def run(self, ask: Callable[[BatchedLookups], Awaitable[object]]) -> object:
        async def asked() -> object:
            try:
                return await ask(self.lookups)
            finally:
                await self.lookups.close()

        return asyncio.run(asked())


@pytest.fixture
def client(redis_url: str) -> Iterator[Client]:
    with redis_client(redis_url) as client:
        yield client


@pytest.fixture
def proxy(redis_url: str, client: Client) -> Iterator[Proxy]:
    """A proxy before a Redis that holds each letter under its own name."""
    for letter in "abc":
        put(client, letter, letter.encode())
    with proxied(redis_url, starttls=False) as proxy:
        yield proxy


@pytest.fixture
def asked(redis_url: str, proxy: Proxy) -> Asked:
    return Asked(proxy.in_front_of(redis_url))


class TestBatchedLookups:
    """What is asked in one turn of the loop goes out together."""

    def test_what_is_asked_at_once_is_one_exchange(self, asked: Asked) -> None:
        answers = asked.run(lambda lookups: asyncio.gather(*(lookups.ask("GETEX", letter) for letter in "abcx")))
        assert answers == [b"a", b"b", b"c", None]
        assert asked.told == [None]

    def test_a_later_lookup_is_never_answered_by_an_exchange_that_is_under_way(
        self, asked: Asked, proxy: Proxy, client: Client
    ) -> None:
        overtaken, asked_again = threading.Event(), threading.Event()

        def hold(answer: bytes) -> bytes:
            if answer.startswith(b"$17") and not overtaken.is_set():
                put(client, "a", b"newer")  # while the answer is on its way
                overtaken.set()
                asked_again.wait(10)
            return answer

        async def ask(lookups: BatchedLookups) -> list[bytes | None]:
            proxy.rewrite_answers = hold
            first = lookups.ask("GETEX", "a")
            assert await asyncio.to_thread(overtaken.wait, 10)
            second = lookups.ask("GETEX", "a")
            asked_again.set()
            return await asyncio.gather(first, second)

        assert asked.run(ask) == [b"a", b"newer"]
        assert asked.told == [None, None]

    def test_a_connection_is_kept(self, asked: Asked, proxy: Proxy) -> None:
        async def ask(lookups: BatchedLookups) -> list[bytes | None]:
            return [await lookups.ask("GETEX", letter) for letter in "abcabc"]

        assert asked.run(ask) == [b"a", b"b", b"c"] * 2
        assert proxy.connections == 1

    def test_one_that_died_is_opened_anew_and_nobody_notices(self, asked: Asked, proxy: Proxy) -> None:
        async def ask(lookups: BatchedLookups) -> list[bytes | None]:
            await lookups.ask("GETEX", "a")
            proxy.cut()
            return await asyncio.gather(lookups.ask("GETEX", "b"), lookups.ask("GETEX", "c"))

        assert asked.run(ask) == [b"b", b"c"]
        assert asked.told == [None, None]
        assert proxy.connections == 2

    def test_a_new_one_that_dies_is_not_opened_again(self, asked: Asked, proxy: Proxy) -> None:
        async def ask(lookups: BatchedLookups) -> bytes | None:
            proxy.cut_requests_with = b"GETEX"
            with pytest.raises(RedisConnectionError):
                await lookups.ask("GETEX", "a")
            return await lookups.ask("GETEX", "b")

        assert asked.run(ask) == b"b"
        assert list(map(type, asked.told)) == [RedisConnectionError, type(None)]

    def test_an_answer_that_comes_too_late_is_never_taken_for_another(self, own_redis: OwnRedis) -> None:
        with redis.Redis.from_url(own_redis.url) as client:
            put(client, "a", b"a")
            put(client, "b", b"b")
        asked = Asked(own_redis.url, seconds=0.2)

        async def ask(lookups: BatchedLookups) -> bytes | None:
            await lookups.ask("GETEX", "a")
            own_redis.freeze()
            with pytest.raises(RedisTimeoutError):
                await lookups.ask("GETEX", "a")
            own_redis.thaw()
            while True:
                try:
                    return await lookups.ask("GETEX", "b")
                except RedisError:
                    continue

        assert asked.run(ask) == b"b"

    def test_a_refusal_ends_the_connection(self, asked: Asked, proxy: Proxy, client: Client) -> None:
        client.lpush("list", "x")

        async def ask(lookups: BatchedLookups) -> bytes | None:
            with pytest.raises(RedisResponseError):
                await lookups.ask("GETEX", "list")
            return await lookups.ask("GETEX", "a")

        assert asked.run(ask) == b"a"
        assert proxy.connections == 2

    def test_a_fault_of_any_kind_leaves_nobody_waiting(self, asked: Asked) -> None:
        class Broken(LoopConnection):
            async def connect(self) -> None:
                raise LookupError("which no client raises on purpose")

        async def ask(lookups: BatchedLookups) -> object:
            lookups._connect = lambda: Broken(*[None] * 3)  # type: ignore[list-item]
            with pytest.raises(RedisConnectionError, match="on purpose"):
                await asyncio.wait_for(lookups.ask("GETEX", "a"), 10)
            return len(asked.told)

        assert asked.run(ask) == 1

    @pytest.mark.parametrize("answer", [b"what?\r\n", b">2\r\n$1\r\na\r\n$1\r\nb\r\n"], ids=repr)
    def test_an_answer_that_is_none_ends_the_connection(self, asked: Asked, proxy: Proxy, answer: bytes) -> None:
        async def ask(lookups: BatchedLookups) -> bytes | None:
            await lookups.ask("GETEX", "b")
            proxy.rewrite_answers = lambda _: answer
            with pytest.raises(RedisError):
                await lookups.ask("GETEX", "a")
            proxy.rewrite_answers = lambda given: given
            return await lookups.ask("GETEX", "c")

        assert asked.run(ask) == b"c"

    def test_an_answer_that_nobody_asked_for_ends_the_connection(self, asked: Asked, proxy: Proxy) -> None:
        async def ask(lookups: BatchedLookups) -> bytes | None:
            proxy.rewrite_answers = lambda answer: answer * (2 if answer.startswith(b"$17") else 1)
            assert await lookups.ask("GETEX", "a") == b"a"
            return await lookups.ask("GETEX", "c")

        assert asked.run(ask) == b"c"
        assert proxy.connections == 2

    def test_another_loop_gets_a_connection_of_its_own(self, asked: Asked) -> None:
        for letter in "ab":
            assert asked.run(lambda lookups, letter=letter: lookups.ask("GETEX", letter)) == letter.encode()

    def test_one_that_nobody_waits_for_any_more_holds_nobody_up(self, asked: Asked) -> None:
        async def ask(lookups: BatchedLookups) -> bytes | None:
            lookups.ask("GETEX", "a").cancel()
            return await lookups.ask("GETEX", "b")

        assert asked.run(ask) == b"b"
