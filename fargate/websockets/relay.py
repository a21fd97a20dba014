"""Reaches connections of other tasks through Redis: each task listens on a channel of its own, and answers.

What must hold: a connection is called gone only if its task says so, or is itself gone. A task is gone if it has said
goodbye, or if it neither listens nor gives signs of life while others do; if it only does not listen, the connection is
unreachable for now. While Redis is away, no task can give a sign: that makes none gone, and after it each has time to
come back. A Redis that has just started has forgotten all signs: then no task is known to be gone.
"""

import base64
import contextlib
import json
import logging
import math
import threading
import time
import uuid
from collections.abc import Mapping
from dataclasses import asdict
from typing import TYPE_CHECKING, Any, Final

from fargate.errors import FargateError
from fargate.stores.redis_client import client_at
from fargate.websockets.connections import (
    TASK_CHARACTERS,
    ClientTooSlow,
    Connection,
    Gone,
    Information,
    LocalConnections,
    MessageTooLong,
    Unreachable,
)

if TYPE_CHECKING:
    from redis import Redis

logger = logging.getLogger("fargate")

ANSWER_SECONDS: Final = 3
"""How long a sender waits for the other task."""
TIMEOUT_SECONDS: Final = 2.0
"""How long Redis itself may take."""
SILENT_SECONDS: Final = 20
"""A task whose last sign of life is so much older than the newest one of all tasks is gone."""
LIFE_SECONDS: Final = 60
"""A task that has given no sign of life for so long is gone, even if no other does. Redis may be away for so long."""
_ENDED = b"ended"
"""A task's last sign of life."""
_SILENT = "the task that holds the connection does not listen, and is not known to have ended"
_SIGN_SECONDS = 5.0
_AGAIN_SECONDS = 1.0
_HEALTH_SECONDS = 15
"""After so long without a command a connection is tried before the next one: it may have died in silence."""

_ERRORS: Mapping[str, type[FargateError]] = {
    each.__name__: each for each in (Gone, MessageTooLong, ClientTooSlow, Unreachable)
}


class Names:
    """The keys and channels of one app's tasks."""

    def __init__(self, name: str) -> None:
        self._base = f"chalice-fargate:{{{name}}}:websockets"  # the braces keep all keys in one slot of a cluster

    def task(self, task: str) -> str:
        """Return a task's channel, and the key of its last sign of life: seconds since the epoch."""
        return f"{self._base}:task:{task}"

    def newest(self) -> str:
        """Return the key of the last sign of life of any task."""
        return f"{self._base}:newest"

    def resumed(self) -> str:
        """Return the key that is there for a while after any task listens again."""
        return f"{self._base}:resumed"

    def answer(self) -> str:
        """Return a new key for one answer."""
        return f"{self._base}:answer:{uuid.uuid4().hex}"


class RelayedConnections:
    """The connections of all tasks. Thread-safe.

    Args:
        client: Redis; it waits longer than `ANSWER_SECONDS` for an answer.
        names: of the app.
        local: this task's connections, which are reached without Redis; None: it has none.
    """

    def __init__(self, client: "Redis", names: Names, local: LocalConnections | None = None) -> None:
        self._client = client
        self._names = names
        self._local = local

    def find(self, connection_id: str) -> Connection:
        """Return a connection; one of another task may be gone."""
        task = connection_id[:TASK_CHARACTERS]
        if self._local is not None and task == self._local.task:
            return self._local.find(connection_id)
        return RemoteConnection(self, connection_id)

    def ask(self, connection_id: str, act: str, **more: str) -> Any:
        """Have the task of a connection do something; return its answer.

        Raises:
            Gone, MessageTooLong, ClientTooSlow: the task has answered so, or is gone.
            Unreachable: neither is known: Redis or the task does not answer.
        """
        try:
            answered = self._ask(connection_id, {"id": connection_id, "act": act, **more})
        except (Gone, Unreachable):
            raise
        except Exception as error:  # not all of it is redis-py's own: a host that is no name raises UnicodeError
            raise Unreachable(f"Redis fails: {error}") from error
        answer = json.loads(answered)
        if "error" in answer:
            raise _ERRORS[answer["error"]]("it failed in the task that holds the connection, whose log says why")
        return answer["result"]

    def _ask(self, connection_id: str, question: dict[str, str]) -> bytes:
        task, key = self._names.task(connection_id[:TASK_CHARACTERS]), self._names.answer()
        if not self._client.publish(task, json.dumps(question | {"answer": key})):
            raise Gone(connection_id) if self._is_gone(task) else Unreachable(_SILENT)
        answered: Any = self._client.blpop([key], ANSWER_SECONDS)
        if answered is None:
            raise Unreachable(f"the task that holds the connection has not answered within {ANSWER_SECONDS} s")
        found: bytes = answered[1]
        return found

    def _is_gone(self, task: str) -> bool:
        found: Any = self._client.mget(task, self._names.newest(), self._names.resumed())
        sign, newest, resumed = found
        if sign == _ENDED or resumed is not None:
            return bool(sign == _ENDED)
        if sign is not None:
            return float(newest or 0) - float(sign) > SILENT_SECONDS
        server: Any = self._client.info("server")
        return bool(server["uptime_in_seconds"] > LIFE_SECONDS)


class RemoteConnection:
    """A connection of another task."""

    def __init__(self, relay: RelayedConnections, connection_id: str) -> None:
        self._relay = relay
        self._id = connection_id

    def post(self, message: str | bytes) -> None:
        """Send a message."""
        if isinstance(message, str):
            self._relay.ask(self._id, "post", text=message)
        else:
            self._relay.ask(self._id, "post", base64=base64.b64encode(message).decode())

    def close(self) -> None:
        """Close it."""
        self._relay.ask(self._id, "close")

    def information(self) -> Information:
        """Ask its task."""
        return Information(**self._relay.ask(self._id, "information"))


class Listener:
    """Does what other tasks ask of this task's connections, in a thread of its own.

    Args:
        client: Redis.
        names: of the app.
        local: this task's connections.
        sign_seconds: how often it gives a sign of life.
    """

    def __init__(
        self, client: "Redis", names: Names, local: LocalConnections, sign_seconds: float = _SIGN_SECONDS
    ) -> None:
        self._client = client
        self._channel = names.task(local.task)
        self._names = names
        self._local = local
        self._sign_seconds = sign_seconds
        self._is_out = self._has_ended = False
        self._listens = threading.Event()
        self._signed_at = self._heard_at = 0.0

    def start(self) -> None:
        """Listen from now on; while Redis does not answer, try again each second."""
        threading.Thread(target=self._listen_always, name="websocket-relay", daemon=True).start()
        self._listens.wait(TIMEOUT_SECONDS)

    def finish(self) -> None:
        """Say goodbye: this task's connections are gone at once, not after `LIFE_SECONDS`."""
        self._has_ended = True
        with contextlib.suppress(Exception):  # the sign of life ends by itself
            self._client.set(self._channel, _ENDED, ex=LIFE_SECONDS)

    def _listen_always(self) -> None:
        while not self._has_ended:
            try:
                self._listen()
            except Exception as error:  # noqa: BLE001  the outermost boundary of the thread, which logs it
                self._say(error)
                time.sleep(_AGAIN_SECONDS)

    def _listen(self) -> None:
        with self._client.pubsub() as pubsub:  # type: ignore[no-untyped-call]  # of redis-py
            pubsub.subscribe(self._channel)
            self._signed_at, self._heard_at = -math.inf, time.monotonic()
            while not self._has_ended:
                if time.monotonic() - self._signed_at >= self._sign_seconds:
                    self._sign()
                self._take(pubsub.get_message(timeout=self._sign_seconds))

    def _sign(self) -> None:
        """Give a sign of life, and send a message to this task: a connection may have died without any error."""
        if self._heard_at < self._signed_at:
            raise TimeoutError("the subscription is silent")
        now, pipeline = time.time(), self._client.pipeline()
        if self._is_out:
            pipeline.set(self._names.resumed(), "", ex=SILENT_SECONDS)
        self._signed_at = time.monotonic()
        for key in (self._channel, self._names.newest()):
            pipeline.set(key, now, ex=LIFE_SECONDS)
        pipeline.publish(self._channel, "")
        pipeline.execute()
        self._say(None)

    def _take(self, message: Mapping[str, Any] | None) -> None:
        if message is None:
            return
        self._heard_at = time.monotonic()
        if message["type"] != "message":
            self._listens.set()
        elif message["data"]:
            self._answer(message["data"])

    def _answer(self, data: bytes) -> None:
        question = _question(data)
        if question is None:
            logger.warning("A message that is not another task's has come through %s", self._channel)
            return
        pipeline = self._client.pipeline()
        pipeline.rpush(question["answer"], json.dumps(self._outcome(question)))
        pipeline.expire(question["answer"], LIFE_SECONDS)
        pipeline.execute()

    def _outcome(self, question: Mapping[str, str]) -> Mapping[str, Any]:
        try:
            return {"result": self._act(question)}
        except (Gone, MessageTooLong, ClientTooSlow, Unreachable) as error:
            return {"error": type(error).__name__}
        except Exception:
            logger.exception("What another task asked of a WebSocket has failed")
            return {"error": Unreachable.__name__}

    def _act(self, question: Mapping[str, str]) -> Any:
        connection = self._local.find(question["id"])
        if question["act"] == "information":
            return asdict(connection.information())
        if question["act"] == "close":
            return connection.close()
        text = question.get("text")
        return connection.post(base64.b64decode(question["base64"]) if text is None else text)

    def _say(self, error: Exception | None) -> None:
        """Log an outage, and its end, once each."""
        if error is not None and not self._is_out:
            logger.warning("Other tasks cannot reach this task's WebSockets until Redis answers again: %s", error)
        elif error is None and self._is_out:
            logger.info("Other tasks reach this task's WebSockets again")
        self._is_out = error is not None


def _question(data: bytes) -> Mapping[str, str] | None:
    """Read what another task asks; None: it is not a question."""
    try:
        question = json.loads(data)
    except ValueError:
        return None
    if not isinstance(question, dict) or not all(isinstance(each, str) for each in question.values()):
        return None
    return question if {"id", "act", "answer"} <= question.keys() else None


def relay_client(url: str) -> "Redis":
    """Return a client for the Redis of a URL; nothing connects yet.

    Raises:
        ConfigurationError: the URL is malformed.
    """
    answer_seconds = ANSWER_SECONDS + TIMEOUT_SECONDS
    return client_at(url, "WEBSOCKET_REDIS_URL", answer_seconds, health_check_interval=_HEALTH_SECONDS)
