"""The clients for Redis: impatient, never retrying, logging in as it is told.

What must hold: a step takes as long as its timeouts say and no longer; a connection to a server that was demoted or is
loading is not used again; credentials that Redis refuses are read again once.
"""

import asyncio
import time
from dataclasses import dataclass
from typing import Any

import redis
from redis.asyncio.connection import Connection as AsyncConnection
from redis.asyncio.connection import SSLConnection as AsyncTLSConnection
from redis.asyncio.retry import Retry as LoopRetry
from redis.backoff import NoBackoff
from redis.connection import Connection, ConnectionPool, SSLConnection, parse_url
from redis.credentials import CredentialProvider
from redis.exceptions import AuthenticationError, BusyLoadingError, MasterDownError, ReadOnlyError, ResponseError
from redis.maint_notifications import MaintNotificationsConfig
from redis.retry import Retry

from chalicelib import generations
from chalicelib.credentials import NOBODY, CredentialSource, CredentialsUnavailableError, FixedCredentials
from chalicelib.settings import Credentials

UNBOUNDED = 2**31  # a thread holds one connection at most: their number bounds the pool


@dataclass(frozen=True, slots=True)
class CacheTimeouts:
    """How long Redis may take, in seconds: a cache that is slower than its database is none."""

    connect: float = 0.05
    answer: float = 0.05


def redis_client(
    url: str,
    credentials: CredentialSource | None = None,
    timeouts: CacheTimeouts = CacheTimeouts(),
) -> redis.Redis:
    """Return a client that never retries and never waits longer than `timeouts`; it connects when first asked.

    Credentials, unless they are nobody's, override those in the URL, and are read again when Redis refuses them. Of
    the rest, what the URL asks for (`?socket_timeout=0.2`) comes first.
    """
    login, tls, options = _options(url, credentials, timeouts)
    kind = RenewedTLSConnection if tls else RenewedConnection
    lineage = Lineage()
    return redis.Redis.from_pool(
        ConnectionPool(connection_class=kind, max_connections=UNBOUNDED, login=login, lineage=lineage, **options)
    )


def loop_connection(
    url: str,
    credentials: CredentialSource | None = None,
    timeouts: CacheTimeouts = CacheTimeouts(),
) -> Any:
    """Return a connection for an event loop, of `redis_client`'s manners; it is not yet connected."""
    login, tls, options = _options(url, credentials, timeouts)
    kind = LoopTLSConnection if tls else LoopConnection
    return kind(login=login, **options | {"retry": LoopRetry(NoBackoff(), 0), "socket_timeout": None})


def _options(
    url: str, credentials: CredentialSource | None, timeouts: CacheTimeouts
) -> tuple["Login", bool, dict[str, Any]]:
    """Return who one is, whether it is over TLS, and what else a connection is made with."""
    asked: dict[str, Any] = dict(parse_url(url))  # type: ignore[no-untyped-call]
    tls = asked.pop("connection_class", Connection) is SSLConnection
    login = _login(asked.pop("username", None), asked.pop("password", None), credentials)
    options: dict[str, Any] = {
        "socket_timeout": timeouts.answer,
        "socket_connect_timeout": timeouts.connect,
        "retry": Retry(NoBackoff(), 0),
        "health_check_interval": 0,
        "protocol": 3,  # HELLO: over TLS, redis-py takes a connection that has read nothing yet for dirty
        "driver_info": None,  # no CLIENT SETINFO, which 6.2 does not know
        "maint_notifications_config": MaintNotificationsConfig(enabled=False),  # nor CLIENT MAINT_NOTIFICATIONS
    }
    return login, tls, options | asked


def _login(username: str | None, password: str | None, credentials: CredentialSource | None) -> "Login":
    """Prefer the credentials; the URL's where they are nobody's."""
    if credentials is None or credentials == FixedCredentials(NOBODY):
        credentials = FixedCredentials(Credentials(username or "", password))
    return Login(credentials)


class Login(CredentialProvider):
    """Hands the shop's credentials to redis-py."""

    def __init__(self, credentials: CredentialSource) -> None:
        self._credentials = credentials

    def current(self) -> Credentials:
        """Return the credentials to try first; raises redis.ConnectionError where they cannot be read."""
        try:
            return self._credentials.current()
        except CredentialsUnavailableError as error:
            raise redis.ConnectionError(str(error)) from error

    def is_renewed(self, refused: Credentials) -> bool:
        """Read the credentials again; return whether there are others now. Raises redis.ConnectionError."""
        try:
            return self._credentials.refresh(refused) != refused
        except CredentialsUnavailableError as error:
            raise redis.ConnectionError(str(error)) from error

    def get_credentials(self) -> Any:
        """Return the arguments of AUTH; none of them: there is no AUTH."""
        known = self.current()
        return tuple(part for part in (known.username, known.password) if part)

    async def get_credentials_async(self) -> Any:
        """Return them to an event loop, which must not wait for Secrets Manager."""
        return await asyncio.to_thread(self.get_credentials)


class Lineage:
    """The age of a pool's connections: after `end`, every connection that exists is replaced before its next use."""

    def __init__(self) -> None:
        self.number = 0

    def end(self) -> None:
        """Begin a new age."""
        self.number += 1


class RenewedConnection(Connection):
    """A connection that is opened anew when its server was demoted or is loading, or its credentials have rotated.

    `generation` is the server's, as of when it was opened, or asked again.
    """

    generation = b""

    def __init__(self, *, login: Login, lineage: Lineage, **options: Any) -> None:
        super().__init__(credential_provider=login, **options)  # type: ignore[no-untyped-call]
        self._login = login
        self._lineage = lineage
        self._born = lineage.number
        self._asked_at = 0.0

    def connect(self) -> None:
        """Be connected, and know the server's generation; to be called before each use, as redis-py's pool does."""
        if not self.is_connected or self._born != self._lineage.number:
            self._open()
            self.send_with_question()

    def _open(self) -> None:
        self.disconnect()  # type: ignore[no-untyped-call]
        self._born = self._lineage.number
        tried = self._login.current()
        try:
            super().connect()  # type: ignore[no-untyped-call]
        except AuthenticationError:
            if not self._login.is_renewed(tried):
                raise
            super().connect()  # type: ignore[no-untyped-call]

    @property
    def is_question_due(self) -> bool:
        """Whether the server is to be asked for its generation again."""
        return time.monotonic() - self._asked_at > generations.ASKED_AGAIN_SECONDS

    def send_with_question(self, packed: bytes = b"") -> None:
        """Ask the server for its generation, and send a packed command with that, whose answer is still to be read."""
        self._asked_at = time.monotonic()
        question = generations.packed(generations.QUESTION, b"")
        try:
            self.send_packed_command([question + packed], check_health=False)  # type: ignore[no-untyped-call]
            self.generation = generations.told_by(self.read_response())
        except BaseException:
            self.disconnect()  # type: ignore[no-untyped-call]
            raise

    def read_response(self, *args: Any, **options: Any) -> Any:
        """Read one answer; one that says that this is the wrong server to talk to ends the pool's lineage."""
        try:
            return super().read_response(*args, **options)
        except (ResponseError, BusyLoadingError) as error:
            if _is_wrong_server(error):
                self._lineage.end()
            raise


def _is_wrong_server(error: redis.RedisError) -> bool:
    """Tell whether a server refused since it is a replica or not ready; Redis 6 says so of a script inside the text."""
    return isinstance(error, (ReadOnlyError, BusyLoadingError, MasterDownError)) or "-READONLY" in str(error)


class RenewedTLSConnection(RenewedConnection, SSLConnection):
    """The same over TLS, the server's certificate and name verified."""


class LoopConnection(AsyncConnection):
    """A connection for an event loop; where its credentials have rotated, it logs in with the new ones.

    `generation` is the server's, as of when it was opened.
    """

    generation = b""

    def __init__(self, *, login: Login, **options: Any) -> None:
        super().__init__(credential_provider=login, **options)
        self._login = login

    async def connect(self) -> None:
        """Be connected, and know the server's generation."""
        if not self.is_connected:
            await self._open()
            await self.send_command(*generations.QUESTION)
            self.generation = generations.told_by(await self.read_response())

    async def _open(self) -> None:
        tried = await asyncio.to_thread(self._login.current)
        try:
            await super().connect()  # type: ignore[no-untyped-call]
        except AuthenticationError:
            if not await asyncio.to_thread(self._login.is_renewed, tried):
                raise
            await super().connect()  # type: ignore[no-untyped-call]

    def hand_over(self, protocol: asyncio.Protocol) -> asyncio.WriteTransport:
        """Have `protocol` receive all that the server sends from now on; return what to write to.

        redis-py connects, greets and logs in; its streams would cost a lookup more than Redis does.
        """
        assert self._writer is not None  # noqa: S101  it is connected
        transport: asyncio.WriteTransport = self._writer.transport
        transport.set_protocol(protocol)
        return transport

    def hang_up(self) -> None:
        """Close the connection at once, whoever it was handed to."""
        if self._writer is not None:
            self._writer.transport.abort()
        self._close()  # type: ignore[no-untyped-call]


class LoopTLSConnection(LoopConnection, AsyncTLSConnection):
    """The same over TLS, the server's certificate and name verified."""
