"""Each thread keeps one connection, opens it again if it is dead, and never reads the answer to another command."""

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
    """Connections to a Redis in which each letter is its own value."""
    with redis.Redis.from_url(own_redis.url) as client:
        client.mset({letter: letter for letter in "abc"})
    return ThreadConnections(redis_client(own_redis.url))


def known_to(server: OwnRedis) -> list[str]:
    """Return the ids of the server's connections, without this function's own."""
    with redis.Redis.from_url(server.url) as client:
        own = client.client_id()
        return sorted(each["id"] for each in client.client_list() if int(each["id"]) != own)


def test_a_thread_keeps_its_connection(own_redis: OwnRedis, connections: ThreadConnections) -> None:
    assert [connections.ask("GET", letter) for letter in "abcabc"] == [b"a", b"b", b"c"] * 2
    assert len(known_to(own_redis)) == 1


def test_each_thread_has_its_own_and_closes_it_when_it_ends(
    own_redis: OwnRedis, connections: ThreadConnections
) -> None:
    together = threading.Barrier(3)

    def ask(letter: str) -> bytes:
        together.wait(10)
        return bytes(connections.ask("GET", letter))

    with ThreadPoolExecutor(3) as pool:
        assert list(pool.map(ask, "abc")) == [b"a", b"b", b"c"]
        assert len(known_to(own_redis)) == 3
    assert wait_until(lambda: not known_to(own_redis), 10)


def test_a_connection_that_the_server_has_closed_is_opened_again(
    own_redis: OwnRedis, connections: ThreadConnections
) -> None:
    connections.ask("GET", "a")
    (before,) = known_to(own_redis)
    with redis.Redis.from_url(own_redis.url) as client:
        client.client_kill_filter(_id=before)
    assert connections.ask("GET", "b") == b"b"
    assert known_to(own_redis) != [before]


def test_a_late_answer_is_not_read_as_the_answer_to_another_command(
    own_redis: OwnRedis, connections: ThreadConnections
) -> None:
    connections.ask("GET", "a")
    own_redis.freeze()
    with pytest.raises(RedisTimeoutError):
        connections.ask("GET", "b")
    own_redis.thaw()
    assert connections.ask("GET", "c") == b"c"


def test_any_interruption_closes_the_connection(
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


def test_an_error_reply_keeps_the_connection(own_redis: OwnRedis, connections: ThreadConnections) -> None:
    connections.ask("GET", "a")
    before = known_to(own_redis)
    with pytest.raises(RedisResponseError):
        connections.ask("GET")
    assert connections.ask("GET", "b") == b"b"
    assert known_to(own_redis) == before


def test_an_unavailable_server_is_tried_once(own_redis: OwnRedis, connections: ThreadConnections) -> None:
    connections.ask("GET", "a")
    own_redis.stop()
    with pytest.raises(RedisConnectionError):
        connections.ask("GET", "b")
