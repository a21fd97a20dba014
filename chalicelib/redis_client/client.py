"""Clients for Redis: short timeouts, no retries, and credentials that are read again after Redis refuses them."""

import threading
import weakref
from dataclasses import dataclass, field, replace
from typing import Any, Protocol, TypeVar

from chalicelib.redis_client.address import RedisAddress, parse_redis_url
from chalicelib.redis_client.connection import Login, RedisConnection
from chalicelib.redis_client.errors import RedisError, RedisLoginError, is_out_of_memory
from chalicelib.stores.credentials import NO_CREDENTIALS, Credentials, CredentialSource, FixedCredentials
from chalicelib.stores.logins import Logins
from chalicelib.stores.pool_generation import PoolGeneration


@dataclass(frozen=True, slots=True)
class CacheTimeouts:
    """How long Redis may take, in seconds. Short, as a cache slower than its database is of no use."""

    connect: float = 0.05  # with looking the name up
    answer: float = 0.05
    secret: float = 0.05  # until Secrets Manager has answered, for a new connection

    @property
    def longest(self) -> float:
        """The longer of connecting and answering: how long an event loop waits for an exchange, connecting included."""
        return max(self.connect, self.answer)


class Openable(Protocol):
    """A connection."""

    @property
    def is_alive(self) -> bool:
        """Whether it is open on both sides."""


C = TypeVar("C", bound=Openable)


class Connections:
    """The connections that clients of one server have made. Thread-safe."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._made: weakref.WeakSet[Openable] = weakref.WeakSet()

    def add(self, connection: C) -> C:
        """Remember the connection as long as it is used; return it."""
        with self._lock:
            self._made.add(connection)
        return connection

    @property
    def is_any_open(self) -> bool:
        """Whether one of them is open."""
        with self._lock:
            return any(each.is_alive for each in self._made)


@dataclass(frozen=True, slots=True)
class RedisClient:
    """Makes connections to one server. If one finds that the server was demoted, all are replaced."""

    address: RedisAddress
    logins: Logins[RedisLoginError]
    timeouts: CacheTimeouts
    pool: PoolGeneration = field(default_factory=PoolGeneration)
    connections: Connections = field(default_factory=Connections)

    def connection(self) -> RedisConnection:
        """Return a new connection, not yet connected."""
        timeouts = self.timeouts
        return self.connections.add(
            RedisConnection(self.address, self.logins, self.pool, timeouts.connect, timeouts.answer, timeouts.secret)
        )

    def loop_connection(self) -> Any:
        """Return a connection for an event loop, not yet connected. The caller bounds how long connecting may take."""
        from chalicelib.redis_client.loop_connection import LoopConnection  # it imports asyncio; threads need it not

        return self.connections.add(LoopConnection(self.address, self.logins, self.timeouts.connect))

    def with_timeouts(self, timeouts: CacheTimeouts) -> "RedisClient":
        """Return a client of the same server that shares the logins and the knowledge of the server."""
        return replace(self, timeouts=_chosen(self.address, timeouts))

    def is_refusal(self, error: Exception) -> bool:
        """Return whether Redis refuses a new login or more data, and does the rest of its work."""
        if isinstance(error, RedisLoginError):
            return self.connections.is_any_open
        return isinstance(error, RedisError) and is_out_of_memory(error)


def redis_client(
    url: str,
    credentials: CredentialSource | None = None,
    timeouts: CacheTimeouts = CacheTimeouts(),
) -> RedisClient:
    """Return a client that never retries and never waits longer than its timeouts.

    Credentials, unless they are NO_CREDENTIALS, override those in the URL. Timeouts in the URL (`?socket_timeout=0.2`)
    override `timeouts`.
    """
    address = parse_redis_url(url)
    return RedisClient(address, _logins(address, credentials), _chosen(address, timeouts))


def _chosen(address: RedisAddress, timeouts: CacheTimeouts) -> CacheTimeouts:
    connect, answer = address.socket_connect_timeout, address.socket_timeout
    return replace(timeouts, connect=connect or timeouts.connect, answer=answer or timeouts.answer)


def _logins(address: RedisAddress, credentials: CredentialSource | None) -> Logins[RedisLoginError]:
    if credentials is None or credentials == FixedCredentials(NO_CREDENTIALS):
        credentials = FixedCredentials(Credentials(address.username, address.password))
    return Logins("Redis", Login(credentials), RedisLoginError)
