"""The open connections, and what can be done with one by its id: `send`, `close` and `info` of Chalice."""

import secrets
from dataclasses import dataclass
from typing import Protocol

from fargate.errors import FargateError

_TASK_BYTES, _OWN_BYTES = 6, 9  # each 3 bytes are 4 characters of an id
TASK_CHARACTERS = _TASK_BYTES // 3 * 4
"""So many characters of a connection's id, its first, are the task's."""


class Gone(FargateError):
    """The connection is closed, or there has never been one with this id."""


class MessageTooLong(FargateError):
    """The message is longer than the limit."""


class ClientTooSlow(FargateError):
    """The client does not read: too much is waiting to be sent to it."""


class Unreachable(FargateError):
    """The connection's task, or Redis in between, does not answer: whether the connection is open is not known.

    The message says which of them, and is told to who sends.
    """


@dataclass(frozen=True, slots=True)
class Information:
    """What API Gateway tells of a connection; times are seconds since the epoch."""

    connected_at: float
    last_active_at: float
    source_ip: str
    user_agent: str


class Connection(Protocol):
    """One open connection. The methods may be called by any thread."""

    def post(self, message: str | bytes) -> None:
        """Send a message: bytes that are no UTF-8 as a binary one.

        Raises:
            Gone, MessageTooLong, ClientTooSlow: it is not sent.
            Unreachable: whether it is sent is not known; `close` and `information` raise it too.
        """

    def close(self) -> None:
        """Close it with code 1000.

        Raises:
            Gone: it is closed already.
        """

    def information(self) -> Information:
        """Tell what is known.

        Raises:
            Gone: it is closed.
        """


class Reach(Protocol):
    """Finds connections by their ids."""

    def find(self, connection_id: str) -> Connection:
        """Return an open connection.

        Raises:
            Gone: there is none with this id.
        """


class LocalConnections:
    """The connections of this process. Thread-safe: a dictionary's single steps are."""

    def __init__(self) -> None:
        self.task = secrets.token_urlsafe(_TASK_BYTES)
        self._open: dict[str, Connection] = {}

    def new_id(self) -> str:
        """Return an id that no other connection has."""
        return self.task + secrets.token_urlsafe(_OWN_BYTES)

    def add(self, connection_id: str, connection: Connection) -> None:
        self._open[connection_id] = connection

    def discard(self, connection_id: str) -> None:
        self._open.pop(connection_id, None)

    def find(self, connection_id: str) -> Connection:
        """Return an open connection of this process."""
        try:
            return self._open[connection_id]
        except KeyError:
            raise Gone(connection_id) from None

    def __len__(self) -> int:
        return len(self._open)
