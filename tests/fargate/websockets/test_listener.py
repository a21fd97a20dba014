"""The thread that answers other tasks, with a real Redis: nothing ends it, and it notices its own silence."""

import asyncio
import logging
import re
import time
from collections.abc import Iterator
from typing import Any

import pytest

from fargate.websockets import protocol, relay
from fargate.websockets.connections import Gone, LocalConnections, Unreachable
from fargate.websockets.protocol import SocketProtocol
from fargate.websockets.relay import Listener, Names, RelayedConnections, relay_client
from local.waiting import wait_until
from tests.fargate.websockets.conftest import unconnected
from tests.fixtures.stores import OwnRedis
from tests.fixtures.wire import Network

SECONDS = 30
NAMES = Names("app-dev")


class Broken:
    """A connection with a fault of the adapter."""

    def post(self, message: str | bytes) -> None:
        raise RuntimeError(message)

    close = information = None


@pytest.fixture
def local(redis_url: str) -> Iterator[LocalConnections]:
    """Connections whose listener runs."""
    connections = LocalConnections()
    listener = Listener(relay_client(redis_url), NAMES, connections)
    listener.start()
    yield connections
    listener.finish()


@pytest.fixture
def others(redis_url: str) -> RelayedConnections:
    """What another task reaches connections through."""
    return RelayedConnections(relay_client(redis_url), NAMES)


@pytest.mark.parametrize(
    "garbage",
    [b"\xff", b"not JSON", b"[]", b"7", b"{}", b'{"id": "x", "act": "close", "answer": {}}', b'{"answer": "key"}'],
)
def test_a_message_that_is_no_question_is_left_out(
    local: LocalConnections, others: RelayedConnections, redis_url: str, garbage: bytes
) -> None:
    assert relay_client(redis_url).publish(NAMES.task(local.task), garbage) == 1
    with pytest.raises(Gone):
        others.ask(local.new_id(), "close")


def test_a_fault_in_one_connection_changes_nothing_for_others(
    local: LocalConnections, others: RelayedConnections, caplog: pytest.LogCaptureFixture
) -> None:
    broken = local.new_id()
    local.add(broken, Broken())  # type: ignore[arg-type]
    with pytest.raises(Unreachable):
        others.ask(broken, "post", text="x")
    assert "RuntimeError" in caplog.text
    with pytest.raises(Unreachable):
        others.ask(broken, "post", base64="not base64 at all")
    with pytest.raises(Gone):
        others.ask(local.new_id(), "close")


def test_a_host_that_is_no_name_is_a_redis_that_does_not_answer() -> None:
    """Python makes a UnicodeError of it."""
    client = relay_client("redis://a..b/0")
    with pytest.raises(Unreachable):
        RelayedConnections(client, NAMES).ask(LocalConnections().new_id(), "close")
    Listener(client, NAMES, LocalConnections()).finish()


def test_a_redis_that_has_just_started_does_not_know_who_is_gone(
    own_redis: OwnRedis, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Unless a task has said goodbye. Else apps would forget connections that are open, after each restart of Redis."""
    client, ended = relay_client(own_redis.url), LocalConnections()
    others = RelayedConnections(client, NAMES)
    Listener(client, NAMES, ended).finish()
    with pytest.raises(Gone):
        others.ask(ended.new_id(), "close")
    with pytest.raises(Unreachable):
        others.ask(LocalConnections().new_id(), "close")
    monkeypatch.setattr(relay, "LIFE_SECONDS", -1)  # Redis has run longer than that
    with pytest.raises(Gone):
        others.ask(LocalConnections().new_id(), "close")


@pytest.mark.parametrize(
    ("own", "newest", "resumed", "raised"),
    [
        (25, 0, False, Gone),
        (15, 0, False, Unreachable),
        (50, 50, False, Unreachable),
        (50, 0, True, Unreachable),
        (50, None, False, Unreachable),
    ],
    ids=["killed", "silent for a moment", "Redis was away", "Redis was away, and the first is back", "alone"],
)
def test_a_task_is_gone_if_others_have_given_signs_of_life_since(
    redis_url: str, others: RelayedConnections, own: int, newest: int | None, *, resumed: bool, raised: type[Exception]
) -> None:
    """How many seconds ago it gave its last one, and any task did; whether a task has just begun to listen again."""
    client, task, now = relay_client(redis_url), LocalConnections(), time.time()
    client.set(NAMES.task(task.task), now - own)
    client.delete(NAMES.newest(), NAMES.resumed())
    if resumed:
        client.set(NAMES.resumed(), "")
    if newest is not None:
        client.set(NAMES.newest(), now - newest)
    with pytest.raises(raised):
        others.ask(task.new_id(), "close")


def test_a_listener_gives_signs_of_life(local: LocalConnections, redis_url: str) -> None:
    names = (NAMES.task(local.task), NAMES.newest(), NAMES.resumed())
    found: Any = relay_client(redis_url).mget(*names)
    own, newest, resumed = found
    assert own == newest
    assert 0 <= time.time() - float(own) < SECONDS
    assert resumed is None


def test_a_subscription_that_has_gone_silent_is_made_again(
    redis_url: str, others: RelayedConnections, caplog: pytest.LogCaptureFixture
) -> None:
    """As after a firewall has forgotten the connection: nothing comes, and there is no error."""
    caplog.set_level(logging.INFO, "fargate")
    local = LocalConnections()
    port = int(re.findall(r":(\d+)", redis_url)[-1])
    with Network() as network:
        proxy = network.proxy(port)
        listener = Listener(relay_client(proxy.in_front_of(redis_url)), NAMES, local, sign_seconds=0.2)
        listener.start()
        proxy.rewrite_answers = lambda data: b"" if b"message" in data or b"pong" in data else data
        assert wait_until(lambda: "the subscription is silent" in caplog.text, SECONDS)
        proxy.rewrite_answers = lambda data: data
        assert wait_until(lambda: "reach this task's WebSockets again" in caplog.text, SECONDS)
        with pytest.raises(Gone):
            others.ask(local.new_id(), "close")
        assert 0 < relay_client(redis_url).ttl(NAMES.resumed()) <= relay.SILENT_SECONDS  # type: ignore[operator]
        listener.finish()


def test_a_thread_does_not_wait_for_an_event_loop_that_stands_still(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(protocol, "LOOP_SECONDS", 0.05)
    done: list[bool] = []

    async def connection() -> SocketProtocol:
        return unconnected()

    loop = asyncio.new_event_loop()
    made = loop.run_until_complete(connection())
    monkeypatch.setattr(made, "_is_open", True)
    monkeypatch.setattr(made, "_information", lambda: done.append(True))
    with pytest.raises(Unreachable):
        asyncio.run(asyncio.to_thread(made.information))
    loop.run_until_complete(asyncio.sleep(0))
    assert done == [], "what was not done in time is done later"
    loop.close()
    with pytest.raises(Gone):
        asyncio.run(asyncio.to_thread(made.information))
