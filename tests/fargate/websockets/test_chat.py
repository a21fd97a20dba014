"""Chalice's chat in two tasks: its clients meet in rooms, whichever task holds their connections."""

from contextlib import ExitStack

import redis
from websockets.sync.client import ClientConnection

from tests.fargate.websockets.conftest import PROJECT, SECONDS, serving_sockets

CHAT = PROJECT.parent / "chat"


def heard(*clients: ClientConnection) -> list[str]:
    """Return the next message that each gets."""
    return [str(client.recv(SECONDS)) for client in clients]


def test_people_in_two_tasks_chat(redis_url: str) -> None:
    environ = {"CHAT_REDIS_URL": redis_url, "WEBSOCKET_REDIS_URL": redis_url}
    with ExitStack() as stack:
        one, two = (stack.enter_context(serving_sockets(CHAT, **environ)) for _ in range(2))
        ann, bob, cid = (stack.enter_context(task.connect()) for task in (one, two, two))
        assert one.ask(ann, "/name Ann") == "you are Ann"
        assert two.ask(bob, "/name Bob") == "you are Bob"
        ann.send("hello")
        assert heard(ann, bob, cid) == ["Ann: hello"] * 3
        assert two.ask(bob, "/join tea") == "you are in tea"
        ann.send("who is left?")
        assert heard(ann, cid) == ["Ann: who is left?"] * 2
        bob.send("/all tea is ready")
        assert heard(ann, bob, cid) == ["Bob to all: tea is ready"] * 3
        two.server.process.kill()
        two.server.process.wait(SECONDS)
        with redis.Redis.from_url(redis_url) as server:
            for sign in server.scan_iter("chalice-fargate:*:task:*"):
                server.set(sign, "ended")  # a minute without a sign of life does the same
        ann.send("/all still there?")
        assert heard(ann) == ["Ann to all: still there?"]
        assert one.ask(ann, "again") == "Ann: again"
        with redis.Redis.from_url(redis_url) as server:
            assert server.hlen("rooms") == 1
