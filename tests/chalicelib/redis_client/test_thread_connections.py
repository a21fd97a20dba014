"""Lookups over kept connections: one a thread, opened anew where that is due, and never a wrong answer."""

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
import redis

from chalicelib.redis_client.client import redis_client
from chalicelib.redis_client.errors import RedisConnectionError, RedisResponseError, RedisTimeoutError
from chalicelib.redis_client.thread_connections import ThreadConnections
from local.waiting import wait_until
from tests.fixtures.stores import OwnRedis


@pytest.fixture
def connections(own_redis: OwnRedis) -> ThreadConnections:
    """Connections to a Redis that holds each letter under its own name."""
    with redis.Redis.from_url(own_redis.url) as client:
        client.mset({letter: letter for letter in "abc"})
    return ThreadConnections(redis_client(own_redis.url))


def known_to(server: OwnRedis) -> list[str]:
    """Return the ids of the connections that the server has, but for the one that asks."""
    with redis.Redis.from_url(server.url) as client:
        own = client.client_id()
        return sorted(each["id"] for each in client.client_list() if int(each["id"]) != own)


def test_a_thread_keeps_its_connection(own_redis: OwnRedis, connections: ThreadConnections) -> None:
    assert [connections.ask("GET", letter) for letter in "abcabc"] == [b"a", b"b", b"c"] * 2
    assert len(known_to(own_redis)) == 1


def test_threads_have_one_each_and_it_ends_with_them(own_redis: OwnRedis, connections: ThreadConnections) -> None:
    together = threading.Barrier(3)

    def ask(letter: str) -> bytes:
        together.wait(10)
        return bytes(connections.ask("GET", letter))

    with ThreadPoolExecutor(3) as pool:
        assert list(pool.map(ask, "abc")) == [b"a", b"b", b"c"]
        assert len(known_to(own_redis)) == 3
    assert wait_until(lambda: not known_to(own_redis), 10)


def test_one_that_the_server_has_closed_is_opened_anew(own_redis: OwnRedis, connections: ThreadConnections) -> None:
    connections.ask("GET", "a")
    (before,) = known_to(own_redis)
    with redis.Redis.from_url(own_redis.url) as client:
        client.client_kill_filter(_id=before)
    assert connections.ask("GET", "b") == b"b"
    assert known_to(own_redis) != [before]


def test_a_late_answer_is_never_taken_for_another(own_redis: OwnRedis, connections: ThreadConnections) -> None:
    connections.ask("GET", "a")
    own_redis.freeze()
    with pytest.raises(RedisTimeoutError):
        connections.ask("GET", "b")
    own_redis.thaw()
    assert connections.ask("GET", "c") == b"c"


def test_whatever_interrupts_an_answer_ends_its_connection(
    connections: ThreadConnections, monkeypatch: pytest.MonkeyPatch
) -> None:
    connections.ask("GET", "a")
    kept = connections._connection()
    monkeypatch.setattr(kept, "read_response", lambda: exec("raise KeyboardInterrupt"))
    with pytest.raises(KeyboardInterrupt):
        connections.ask("GET", "b")
    monkeypatch.undo()
    assert not kept.is_connected
    assert connections.ask("GET", "c") == b"c"


def test_a_refusal_is_an_answer_too(own_redis: OwnRedis, connections: ThreadConnections) -> None:
    connections.ask("GET", "a")
    before = known_to(own_redis)
    with pytest.raises(RedisResponseError):
        connections.ask("GET")
    assert connections.ask("GET", "b") == b"b"
    assert known_to(own_redis) == before


def test_a_server_that_is_away_is_asked_once(own_redis: OwnRedis, connections: ThreadConnections) -> None:
    connections.ask("GET", "a")
    own_redis.stop()
    with pytest.raises(RedisConnectionError):
        connections.ask("GET", "b")
