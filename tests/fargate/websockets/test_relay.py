"""Two tasks with one Redis: each reaches the connections of the other, and knows which have gone."""

import json
import signal
from collections.abc import Iterator

import httpx
import pytest
import redis
from websockets.exceptions import ConnectionClosed

from tests.fargate.commands.calls import run
from tests.fargate.websockets.conftest import PROJECT, SECONDS, Sockets, serving_sockets
from tests.fixtures.stores import OwnRedis


@pytest.fixture(scope="module")
def holder(module_redis_url: str) -> Iterator[Sockets]:
    """The task that holds the connections."""
    with serving_sockets(WEBSOCKET_REDIS_URL=module_redis_url) as served:
        yield served


@pytest.fixture(scope="module")
def other(module_redis_url: str) -> Iterator[Sockets]:
    """Another task; its server holds no WebSockets."""
    with serving_sockets(WEBSOCKET_REDIS_URL=module_redis_url, SERVER="waitress") as served:
        yield served


def post(task: Sockets, connection_id: str, text: str) -> httpx.Response:
    """Have a task send to a connection; return the response of the route that did."""
    return httpx.post(f"{task.server.url}/send/{connection_id}", content=text, timeout=SECONDS)


def sent(task: Sockets, connection_id: str, text: str) -> int:
    """Have a task send to a connection; return the status."""
    return post(task, connection_id, text).status_code


def unsent(task: Sockets, connection_id: str) -> str:
    """Have a task send in vain; return the message of ServiceUnavailableException."""
    response = post(task, connection_id, "unheard")
    assert (response.status_code, response.json()["Code"]) == (503, "ServiceUnavailableException")
    return str(response.json()["Message"])


def test_another_task_sends_asks_and_closes(holder: Sockets, other: Sockets) -> None:
    with holder.connect() as client:
        here = holder.ask(client, "id")
        assert sent(other, here, "across") == 200
        assert client.recv(SECONDS) == "across"
        known = httpx.get(f"{other.server.url}/info/{here}").json()
        connected = holder.events(here)[0]["requestContext"]["connectedAt"]
        assert (known["from"], int(known["since"] * 1000)) == ("127.0.0.1", connected)
        assert sent(other, here, "x" * (128 * 1024 + 1)) == 413
        assert httpx.post(f"{other.server.url}/close/{here}").status_code == 200
        with pytest.raises(ConnectionClosed):
            client.recv(SECONDS)
    holder.ended(here)
    assert sent(other, here, "late") == 410


def test_a_command_sends_too(holder: Sockets, module_redis_url: str) -> None:
    with holder.connect() as client:
        event = json.dumps({"to": holder.ask(client, "id"), "text": "news"})
        done = run(PROJECT, "invoke", "send_news", "--event", event, environ={"WEBSOCKET_REDIS_URL": module_redis_url})
        assert (done.returncode, client.recv(SECONDS)) == (0, "news")


def test_a_task_that_has_ended_is_gone_and_one_that_hangs_is_not(other: Sockets, module_redis_url: str) -> None:
    with serving_sockets(WEBSOCKET_REDIS_URL=module_redis_url) as task, task.connect() as client:
        here = task.ask(client, "id")
        task.server.process.send_signal(signal.SIGSTOP)
        assert unsent(other, here) == "the task that holds the connection has not answered within 3 s"
        task.server.process.send_signal(signal.SIGCONT)
        assert client.recv(SECONDS) == "unheard"
        task.server.process.terminate()
        assert task.server.process.wait(SECONDS) == 0
        assert sent(other, here, "late") == 410


def test_a_task_that_does_not_listen_for_a_moment_is_not_gone(
    holder: Sockets, other: Sockets, module_redis_url: str
) -> None:
    with holder.connect() as client, redis.Redis.from_url(module_redis_url) as server:
        here = holder.ask(client, "id")
        server.client_kill_filter(_type="pubsub")
        assert "does not listen, and is not known to have ended" in unsent(other, here)
        holder.server.awaited_output("Other tasks reach this task's WebSockets again")
        assert sent(other, here, "heard") == 200
        assert client.recv(SECONDS) == "heard"


def test_without_redis_no_other_task_is_reached(own_redis: OwnRedis) -> None:
    with serving_sockets(WEBSOCKET_REDIS_URL=own_redis.url) as task, task.connect() as client:
        here = task.ask(client, "id")
        own_redis.stop()
        assert unsent(task, "a" * len(here)).startswith("Redis fails: ")
        assert sent(task, here, "own") == 200
        assert client.recv(SECONDS) == "own"
        task.server.awaited_output("Other tasks cannot reach this task's WebSockets until Redis answers again")
        own_redis.start()
        task.server.awaited_output("Other tasks reach this task's WebSockets again")
