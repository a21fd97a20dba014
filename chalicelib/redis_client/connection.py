"""A connection to Redis for one thread: opens the socket, logs in, applies the timeouts. hiredis parses the protocol.

If opening fails, the connection is closed.
"""

import select
import socket
import time
from contextlib import suppress
from typing import Any

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
from chalicelib.stores.credentials import PATIENT_SECONDS, Credentials, CredentialSource, CredentialsUnavailableError
from chalicelib.stores.logins import Logins
from chalicelib.stores.pool_generation import PoolGeneration
from chalicelib.stores.tls import advice

CHUNK = 65_536
INCOMPLETE = object()


class Login:
    """The credentials for Redis: a `CredentialSource` that raises RedisConnectionError if they cannot be read."""

    def __init__(self, credentials: CredentialSource) -> None:
        self._credentials = credentials

    def current(self, seconds: float = PATIENT_SECONDS) -> Credentials:
        try:
            return self._credentials.current(seconds)
        except CredentialsUnavailableError as error:
            raise RedisConnectionError(str(error)) from error

    def refresh(self, refused: Credentials, seconds: float = PATIENT_SECONDS) -> Credentials:
        return self._credentials.refresh(refused, seconds)


class RedisConnection:
    """A connection that `connect` opens again if its pool generation was retired.

    `generation` is the server's generation, as the server last reported it.

    Args:
        address: where the server is.
        logins: the logins of the client's connections.
        pool: the generation of the client's connections; retired when the server turns out to be the wrong one.
        connect_seconds: how long looking the name up and connecting may take together.
        answer_seconds: how long each wait for the server may take.
        secret_seconds: how long to wait for Secrets Manager.
    """

    generation = b""

    def __init__(
        self,
        address: RedisAddress,
        logins: Logins[RedisLoginError],
        pool: PoolGeneration,
        connect_seconds: float,
        answer_seconds: float,
        secret_seconds: float,
    ) -> None:
        self._socket: socket.socket | None = None
        self._address = address
        self._logins = logins
        self._pool = pool
        self._pool_generation = pool.current
        self._connect_seconds = connect_seconds
        self._answer_seconds = answer_seconds
        self._secret_seconds = secret_seconds
        self._generation_read_at = 0.0
        self._answers = hiredis.Reader(notEnoughData=INCOMPLETE)

    def __del__(self) -> None:
        self.disconnect()

    @property
    def is_connected(self) -> bool:
        """True from `connect` to `disconnect`, even if the server has closed the connection."""
        return self._socket is not None

    @property
    def is_alive(self) -> bool:
        """True if it is open on both sides. Any thread may ask, also while another one uses the connection."""
        sock = self._socket
        if sock is None:
            return False
        poller = select.poll()
        with suppress(OSError, ValueError):  # its own thread closes it now
            poller.register(sock, getattr(select, "POLLRDHUP", 0))
            return not poller.poll(0)
        return False

    @property
    def is_recheck_due(self) -> bool:
        """True if the server's generation is to be read again."""
        return time.monotonic() - self._generation_read_at > generations.RECHECK_SECONDS

    def connect(self) -> None:
        """Open the connection if it is not open, or is retired, and read the server's generation."""
        if not self.is_connected or self._pool_generation != self._pool.current:
            self._open()
            self.send_with_recheck()

    def disconnect(self) -> None:
        """Close the connection. Answers that are still on their way are never read."""
        sock, self._socket = self._socket, None
        if sock is not None:
            sock.close()

    def send_command(self, *words: generations.Argument) -> None:
        self._send(packed(words))

    def send_with_recheck(self, *commands: generations.Words) -> None:
        """Send the query for the server's generation and, with it, commands. Read only the first answer."""
        self._generation_read_at = time.monotonic()
        try:
            self._send(b"".join(map(packed, (generations.QUERY, *commands))))
            self.generation = generations.parse(self.read_response())
        except BaseException:
            self.disconnect()
            raise

    def read_response(self) -> Any:
        """Read one answer; raise RedisError for an error reply.

        A reply that shows that the server is a replica, or not ready, retires all connections of the client.
        """
        try:
            answer = self._answers.gets()
            while answer is INCOMPLETE:
                self._answers.feed(self._received())
                answer = self._answers.gets()
        except hiredis.ProtocolError as error:
            raise RedisConnectionError(str(error)) from error
        if isinstance(answer, hiredis.ReplyError):
            raise self._refused(str(answer))
        return answer

    def _refused(self, text: str) -> RedisError:
        error = refusal(text)
        if is_wrong_server(error):
            self._pool.retire(self._pool_generation)
        return error

    def _open(self) -> None:
        self._pool_generation = self._pool.current
        self._logins.connect(self._log_in, self._secret_seconds)

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
            sock = self._address.connect(self._connect_seconds)
        except OSError as error:
            raise socket_failure(error, self._address) from error
        try:
            sock.settimeout(self._answer_seconds)
            set_options(sock)
            return sock if tls is None else tls.wrap_socket(sock, server_hostname=self._address.host)
        except OSError as error:
            sock.close()
            raise socket_failure(error, self._address) from error

    def _send(self, data: bytes) -> None:
        try:
            self._connected().sendall(data)
        except OSError as error:
            raise socket_failure(error, self._address) from error

    def _received(self) -> bytes:
        try:
            data = self._connected().recv(CHUNK)
        except OSError as error:
            raise socket_failure(error, self._address) from error
        if not data:
            raise RedisConnectionError("Redis closed the connection")
        return data

    def _connected(self) -> socket.socket:
        if self._socket is None:
            raise RedisConnectionError("Not connected to Redis")
        return self._socket


def greeting(address: RedisAddress, credentials: Credentials) -> list[generations.Words]:
    """Return the first commands on a connection: RESP3 with the login and the client's name, then the database."""
    username, password = credentials.username, credentials.password
    login = ("AUTH", username or "default", password or "") if username or password else ()
    name = ("SETNAME", address.client_name) if address.client_name else ()
    select: list[generations.Words] = [("SELECT", address.db)] if address.db else []
    return [("HELLO", 3, *login, *name), *select]


def packed(command: generations.Words) -> bytes:
    """Return a command in Redis's wire format (RESP)."""
    data: bytes = hiredis.pack_command(command)  # type: ignore[arg-type]  # its type stub allows one word only
    return data


def set_options(sock: socket.socket) -> None:
    """Send each command at once, and have the kernel notice a peer that has gone. Does nothing to a Unix socket."""
    if sock.family != socket.AF_UNIX:
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)


def socket_failure(error: OSError, address: RedisAddress) -> RedisError:
    """Return the RedisError for an error of the socket."""
    if isinstance(error, TimeoutError):
        return RedisTimeoutError(f"Redis at {address.place} took too long: {error or 'timed out'}")
    return RedisConnectionError(f"Redis at {address.place}: {error}{advice(error)}")
