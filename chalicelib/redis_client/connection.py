"""A connection to Redis: hiredis reads and writes the protocol, this opens the socket, logs in, and keeps time.

What must hold: it belongs to one thread; whatever goes wrong while it is opened leaves it closed.
"""

import socket
import time
from typing import Any, Protocol

import hiredis

from chalicelib.redis_client import generations
from chalicelib.redis_client.address import RedisAddress
from chalicelib.redis_client.errors import (
    RedisConnectionError,
    RedisError,
    RedisLoginError,
    RedisTimeoutError,
    is_wrong_server,
    refusal,
)
from chalicelib.stores.credentials import Credentials

CHUNK = 65_536
INCOMPLETE = object()


class Login(Protocol):
    """Who one is; both methods raise RedisConnectionError where that cannot be found out."""

    def current(self) -> Credentials:
        """Return the credentials to try first."""

    def is_renewed(self, refused: Credentials) -> bool:
        """Read them again; return whether there are others now."""


class Lineage:
    """The age of a client's connections: after `end`, every one that exists is replaced before its next use."""

    def __init__(self) -> None:
        self.number = 0

    def end(self) -> None:
        """Begin a new age."""
        self.number += 1


class RedisConnection:
    """A connection that is opened anew when its server was demoted or is loading, or its credentials have rotated.

    `generation` is the server's, as of when it was opened, or asked again.

    Args:
        address: where the server is.
        login: who one is.
        lineage: ends where the server turns out to be the wrong one.
        connect_seconds: how long TCP may take.
        answer_seconds: how long each wait for the server may take.
    """

    generation = b""

    def __init__(
        self, address: RedisAddress, login: Login, lineage: Lineage, connect_seconds: float, answer_seconds: float
    ) -> None:
        self._socket: socket.socket | None = None
        self._address = address
        self._login = login
        self._lineage = lineage
        self._connect_seconds = connect_seconds
        self._answer_seconds = answer_seconds
        self._born = lineage.number
        self._asked_at = 0.0
        self._answers = hiredis.Reader(notEnoughData=INCOMPLETE)

    def __del__(self) -> None:
        self.disconnect()

    @property
    def is_connected(self) -> bool:
        """Whether it was opened, and not closed since by us."""
        return self._socket is not None

    @property
    def is_question_due(self) -> bool:
        """Whether the server is to be asked for its generation again."""
        return time.monotonic() - self._asked_at > generations.ASKED_AGAIN_SECONDS

    def connect(self) -> None:
        """Be connected, and know the server's generation; to be called before each use."""
        if not self.is_connected or self._born != self._lineage.number:
            self._open()
            self.send_with_question()

    def disconnect(self) -> None:
        """Close the connection; whatever the server may still send is never read."""
        sock, self._socket = self._socket, None
        if sock is not None:
            sock.close()

    def send_command(self, *words: generations.Argument) -> None:
        """Send one command."""
        self._send(packed(words))

    def send_with_question(self, *commands: generations.Words) -> None:
        """Ask the server for its generation, and send commands with that; the answers to these are still to be read."""
        self._asked_at = time.monotonic()
        try:
            self._send(b"".join(map(packed, (generations.QUESTION, *commands))))
            self.generation = generations.told_by(self.read_response())
        except BaseException:
            self.disconnect()
            raise

    def read_response(self) -> Any:
        """Read one answer; one that says that this is the wrong server to talk to ends the lineage."""
        try:
            answer = self._answers.gets()
            while answer is INCOMPLETE:
                self._answers.feed(self._received())
                answer = self._answers.gets()
        except hiredis.ProtocolError as error:
            raise RedisConnectionError(str(error)) from error
        if isinstance(answer, hiredis.ReplyError):
            raise self._noted(refusal(str(answer)))
        return answer

    def _noted(self, error: RedisError) -> RedisError:
        if is_wrong_server(error):
            self._lineage.end()
        return error

    def _open(self) -> None:
        self.disconnect()
        self._born = self._lineage.number
        tried = self._login.current()
        try:
            self._log_in(tried)
        except RedisLoginError:
            if not self._login.is_renewed(tried):
                raise
            self._log_in(self._login.current())

    def _log_in(self, credentials: Credentials) -> None:
        self.disconnect()
        self._answers = hiredis.Reader(notEnoughData=INCOMPLETE)
        self._socket = self._opened_socket()
        try:
            for command in greeting(self._address, credentials):
                self.send_command(*command)
                self.read_response()
        except BaseException:
            self.disconnect()
            raise

    def _opened_socket(self) -> socket.socket:
        try:
            tls = self._address.tls_context()
            sock = socket.create_connection((self._address.host, self._address.port), self._connect_seconds)
        except OSError as error:
            raise away(error, self._address) from error
        try:
            sock.settimeout(self._answer_seconds)
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
            return sock if tls is None else tls.wrap_socket(sock, server_hostname=self._address.host)
        except OSError as error:
            sock.close()
            raise away(error, self._address) from error

    def _send(self, data: bytes) -> None:
        try:
            self._connected().sendall(data)
        except OSError as error:
            raise away(error, self._address) from error

    def _received(self) -> bytes:
        try:
            data = self._connected().recv(CHUNK)
        except OSError as error:
            raise away(error, self._address) from error
        if not data:
            raise RedisConnectionError("Redis closed the connection")
        return data

    def _connected(self) -> socket.socket:
        if self._socket is None:
            raise RedisConnectionError("Not connected to Redis")
        return self._socket


def greeting(address: RedisAddress, credentials: Credentials) -> list[generations.Words]:
    """Return the commands that a connection begins with: RESP3, the login, the database."""
    login = ("AUTH", credentials.username or "default", credentials.password) if credentials.password else ()
    select: list[generations.Words] = [("SELECT", address.db)] if address.db else []
    return [("HELLO", 3, *login), *select]


def packed(command: generations.Words) -> bytes:
    """Return a command as it goes over the wire."""
    data: bytes = hiredis.pack_command(command)  # type: ignore[arg-type]  # its stub allows for one word
    return data


def away(error: OSError, address: RedisAddress) -> RedisError:
    """Return what is raised in the place of an error of the socket."""
    if isinstance(error, TimeoutError):
        return RedisTimeoutError(f"Redis at {address.host}:{address.port} took too long")
    return RedisConnectionError(f"Redis at {address.host}:{address.port}: {error}")
