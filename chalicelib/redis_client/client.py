"""Clients for Redis: short timeouts, no retries, and credentials that are read again once after Redis refuses them."""

from dataclasses import dataclass, field
from typing import Any

from chalicelib.redis_client.address import RedisAddress, parse_redis_url
from chalicelib.redis_client.connection import Login, RedisConnection
from chalicelib.stores.credentials import NO_CREDENTIALS, Credentials, CredentialSource, FixedCredentials
from chalicelib.stores.pool_generation import PoolGeneration


@dataclass(frozen=True, slots=True)
class CacheTimeouts:
    """How long Redis may take, in seconds. Short, as a cache slower than its database is of no use."""

    connect: float = 0.05
    answer: float = 0.05


@dataclass(frozen=True, slots=True)
class RedisClient:
    """Makes connections to one server. If one finds that the server was demoted, all are replaced."""

    address: RedisAddress
    login: Login
    timeouts: CacheTimeouts
    pool: PoolGeneration = field(default_factory=PoolGeneration)

    def connection(self) -> RedisConnection:
        """Return a new connection, not yet connected."""
        return RedisConnection(self.address, self.login, self.pool, self.timeouts.connect, self.timeouts.answer)


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
    chosen = CacheTimeouts(
        address.socket_connect_timeout or timeouts.connect, address.socket_timeout or timeouts.answer
    )
    return RedisClient(address, _login(address, credentials), chosen)


def loop_connection(url: str, credentials: CredentialSource | None = None) -> Any:
    """Return a connection for an event loop, not yet connected. The caller bounds how long connecting may take."""
    from chalicelib.redis_client.loop_connection import LoopConnection  # it imports asyncio, which threads do not need

    address = parse_redis_url(url)
    return LoopConnection(address, _login(address, credentials))


def _login(address: RedisAddress, credentials: CredentialSource | None) -> Login:
    if credentials is None or credentials == FixedCredentials(NO_CREDENTIALS):
        credentials = FixedCredentials(Credentials(address.username, address.password))
    return Login(credentials)
