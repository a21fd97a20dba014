"""Chalice's examples of WebSockets in two tasks: clients meet, whichever task holds their connections."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

import httpx
import redis
from websockets.sync.client import ClientConnection

from tests.fargate.websockets.conftest import PROJECT, SECONDS, Sockets, serving_sockets


@contextmanager
def two_tasks(name: str, redis_url: str) -> Iterator[tuple[Sockets, Sockets]]:
    """Serve an example by two processes; its store is in the Redis that is between them."""
    environ = {"STORE_URL": redis_url, "WEBSOCKET_REDIS_URL": redis_url}
    with ExitStack() as stack:
        one, two = (stack.enter_context(serving_sockets(PROJECT.with_name(name), **environ)) for _ in range(2))
        yield one, two


def heard(*clients: ClientConnection) -> list[str]:
    """Return the next message that each gets."""
    return [str(client.recv(SECONDS)) for client in clients]


def kill(task: Sockets, redis_url: str) -> None:
    """Kill a task, and have it count as gone, as 20 s without a sign of life make it."""
    task.server.process.kill()
    task.server.process.wait(SECONDS)
    with redis.Redis.from_url(redis_url) as server:
        for sign in server.scan_iter("chalice-fargate:*:task:*"):
            server.set(sign, "ended")


def test_an_echo_goes_to_its_sender_alone(redis_url: str) -> None:
    with two_tasks("echo", redis_url) as (one, two), one.connect() as ann, two.connect() as bob:
        ann.send("of Ann")
        bob.send("of Bob")
        assert heard(ann, bob) == ["of Ann", "of Bob"]
        assert [one.ask(ann, "again"), two.ask(bob, "once more")] == ["again", "once more"]


def test_people_in_rooms_chat(redis_url: str) -> None:
    with (
        two_tasks("chat", redis_url) as (one, two),
        one.connect() as ann,
        two.connect() as bob,
        two.connect() as cid,
    ):
        assert one.ask(ann, "/name Ann") == "you are Ann"
        assert two.ask(bob, "/name Bob") == "you are Bob"
        ann.send("hello")
        assert heard(ann, bob, cid) == ["Ann: hello"] * 3
        assert two.ask(bob, "/join tea") == "you are in tea"
        assert one.ask(ann, "/list") == "lobby tea"
        ann.send("who is left?")
        assert heard(ann, cid) == ["Ann: who is left?"] * 2
        assert two.ask(bob, "it is ready") == "Bob: it is ready"


def test_a_broadcast_reaches_all_who_are_left(redis_url: str) -> None:
    with (
        two_tasks("broadcast", redis_url) as (one, two),
        one.connect() as ann,
        two.connect() as bob,
        two.connect() as cid,
    ):
        for speaker in (ann, bob):
            speaker.send("hello")
            assert heard(ann, bob, cid) == ["hello"] * 3
        news = {"content": "news", "headers": {"content-type": "text/plain"}}
        assert httpx.post(f"{two.server.url}/news", **news, timeout=SECONDS).status_code == 200  # type: ignore[arg-type]
        assert heard(ann, bob, cid) == ["news"] * 3
        kill(two, redis_url)
        assert one.ask(ann, "still there?") == "still there?"
        assert one.ask(ann, "again") == "again"
        with redis.Redis.from_url(redis_url) as server:
            assert server.scard("connected") == 1
