"""Asking Redis over connections that threads keep, one each.

redis-py's pool looks at a connection each time it lends it, and its client does much else around a command; together
they cost as much as the trip to Redis itself. Lookups are most of what the shop asks, so they go this way.

What must hold: a connection on which anything went wrong is closed before it is used again, so that no answer is ever
taken for the answer to another question.
"""

import threading
from typing import Any

import redis

from chalicelib import generations
from chalicelib.generations import Argument, Command


class OwnConnections:
    """Connections of the client's kind to the client's server. Thread-safe; a thread's connection ends with it."""

    def __init__(self, client: redis.Redis) -> None:
        self._pool = client.connection_pool
        self._kept = threading.local()

    def ask(self, *command: Argument) -> Any:
        """Send one command, with the server's generation put in, and return its answer; it must do no harm twice.

        A connection that was kept may have been closed by its server meanwhile: then it is opened anew, once.

        Raises:
            redis.RedisError: Redis is away, too slow, or refuses.
        """
        connection = self._connection()
        is_new = not connection.is_connected
        try:
            return _ask(connection, command)
        except redis.ConnectionError:
            if is_new:
                raise
        return _ask(connection, command)

    def _connection(self) -> Any:
        connection = getattr(self._kept, "connection", None)
        if connection is None:
            connection = self._kept.connection = self._pool.connection_class(**self._pool.connection_kwargs)
        return connection


def _ask(connection: Any, command: Command) -> Any:
    try:
        connection.connect()
        return _exchange(connection, command)
    except redis.ResponseError:  # an answer, too
        raise
    except BaseException:
        connection.disconnect()
        raise


def _exchange(connection: Any, command: Command) -> Any:
    """Send the command and read its answer; once more where that was of a generation that has ended."""
    known = connection.generation
    packed = generations.packed(command, known)
    if connection.is_question_due:
        connection.send_with_question(packed)
    else:
        connection.send_packed_command([packed], check_health=False)
    answer = connection.read_response()
    return answer if connection.generation == known else _exchange(connection, command)
