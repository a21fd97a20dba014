"""Redis commands over one connection per thread.

A pool would check a connection each time it lends it out; a thread's own connection needs no check.

After any error except an error reply, a connection is closed, so that no answer is read as the answer to another
command.
"""

import threading
from typing import Any

from chalicelib.redis_client import generations
from chalicelib.redis_client.client import RedisClient
from chalicelib.redis_client.connection import RedisConnection
from chalicelib.redis_client.errors import RedisConnectionError, RedisResponseError
from chalicelib.redis_client.generations import Argument


class ThreadConnections:
    """One connection per thread, made by `client`. Thread-safe; a thread's connection closes when the thread ends."""

    def __init__(self, client: RedisClient) -> None:
        self._client = client
        self._kept = threading.local()

    def ask(self, *command: Argument) -> Any:
        """Send one command, with the server's generation filled in, and return the answer.

        The command must be idempotent: if the server has closed the idle connection, it is sent again over a new one.

        Raises:
            RedisError: Redis is unavailable, too slow, or refuses the command.
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
    except RedisResponseError:
        raise  # an error reply leaves the connection usable
    except BaseException:
        connection.disconnect()
        raise


def _exchange(connection: RedisConnection, command: tuple[Argument, ...]) -> Any:
    """Send the command and read its answer; again if the command was sent with an old generation."""
    known = connection.generation
    words = generations.with_generation(command, known)
    if connection.is_recheck_due:
        connection.send_with_recheck(words)
    else:
        connection.send_command(*words)
    answer = connection.read_response()
    return answer if connection.generation == known else _exchange(connection, command)
