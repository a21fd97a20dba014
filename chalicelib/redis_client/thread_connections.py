"""Asking Redis over connections that threads keep, one each.

A pool would look at a connection each time it lends it; a thread's own costs no more than the trip to Redis itself.

What must hold: a connection on which anything went wrong is closed before it is used again, so that no answer is ever
taken for the answer to another question.
"""

import threading
from typing import Any

from chalicelib.redis_client import generations
from chalicelib.redis_client.client import RedisClient
from chalicelib.redis_client.connection import RedisConnection
from chalicelib.redis_client.errors import RedisConnectionError, RedisResponseError
from chalicelib.redis_client.generations import Argument


class ThreadConnections:
    """Connections of the client's kind to the client's server. Thread-safe; a thread's connection ends with it."""

    def __init__(self, client: RedisClient) -> None:
        self._client = client
        self._kept = threading.local()

    def ask(self, *command: Argument) -> Any:
        """Send one command, with the server's generation put in, and return its answer; it must do no harm twice.

        A connection that was kept may have been closed by its server meanwhile: then it is opened anew, once.

        Raises:
            RedisError: Redis is away, too slow, or refuses.
        """
        connection = self._connection()
        is_new = not connection.is_connected
        try:
            return _ask(connection, command)
        except RedisConnectionError:
            if is_new:
                raise
        return _ask(connection, command)

    def close(self) -> None:
        """Close the calling thread's connection."""
        self._connection().disconnect()

    def _connection(self) -> RedisConnection:
        connection: RedisConnection | None = getattr(self._kept, "connection", None)
        if connection is None:
            connection = self._kept.connection = self._client.connection()
        return connection


def _ask(connection: RedisConnection, command: tuple[Argument, ...]) -> Any:
    try:
        connection.connect()
        return _exchange(connection, command)
    except RedisResponseError:  # an answer, too
        raise
    except BaseException:
        connection.disconnect()
        raise


def _exchange(connection: RedisConnection, command: tuple[Argument, ...]) -> Any:
    """Send the command and read its answer; once more where that was of a generation that has ended."""
    known = connection.generation
    words = generations.put_in(command, known)
    if connection.is_question_due:
        connection.send_with_question(words)
    else:
        connection.send_command(*words)
    answer = connection.read_response()
    return answer if connection.generation == known else _exchange(connection, command)
