"""The clients for Redis: impatient, never retrying, logging in as they are told.

What must hold: a step takes as long as its timeouts say and no longer; a connection to a server that was demoted or is
loading is not used again; credentials that Redis refuses are read again once.
"""

from dataclasses import dataclass, field
from typing import Any

from chalicelib.redis_client.address import RedisAddress, parse_redis_url
from chalicelib.redis_client.connection import Lineage, RedisConnection
from chalicelib.redis_client.errors import RedisConnectionError
from chalicelib.stores.credentials import (
    NOBODY,
    Credentials,
    CredentialSource,
    CredentialsUnavailableError,
    FixedCredentials,
)


@dataclass(frozen=True, slots=True)
class CacheTimeouts:
    """How long Redis may take, in seconds: a cache that is slower than its database is none."""

    connect: float = 0.05
    answer: float = 0.05


class Login:
    """Who the shop is to Redis; its errors are those of a connection."""

    def __init__(self, credentials: CredentialSource) -> None:
        self._credentials = credentials

    def current(self) -> Credentials:
        """Return the credentials to try first; raises RedisConnectionError where they cannot be read."""
        try:
            return self._credentials.current()
        except CredentialsUnavailableError as error:
            raise RedisConnectionError(str(error)) from error

    def is_renewed(self, refused: Credentials) -> bool:
        """Read the credentials again; return whether there are others now. Raises RedisConnectionError."""
        try:
            return self._credentials.refresh(refused) != refused
        except CredentialsUnavailableError as error:
            raise RedisConnectionError(str(error)) from error


@dataclass(frozen=True, slots=True)
class RedisClient:
    """Makes connections to one server, all of one lineage."""

    address: RedisAddress
    login: Login
    timeouts: CacheTimeouts
    lineage: Lineage = field(default_factory=Lineage)

    def connection(self) -> RedisConnection:
        """Return a new connection; it connects when it is told to."""
        seconds = self.timeouts
        return RedisConnection(self.address, self.login, self.lineage, seconds.connect, seconds.answer)


def redis_client(
    url: str,
    credentials: CredentialSource | None = None,
    timeouts: CacheTimeouts = CacheTimeouts(),
) -> RedisClient:
    """Return a client that never retries and never waits longer than `timeouts`.

    Credentials, unless they are nobody's, override those in the URL, and are read again when Redis refuses them. Of
    the rest, what the URL asks for (`?socket_timeout=0.2`) comes first.
    """
    address = parse_redis_url(url)
    asked = CacheTimeouts(address.socket_connect_timeout or timeouts.connect, address.socket_timeout or timeouts.answer)
    return RedisClient(address, _login(address, credentials), asked)


def loop_connection(url: str, credentials: CredentialSource | None = None) -> Any:
    """Return a connection for an event loop, not yet connected; who uses it bounds how long that may take."""
    from chalicelib.redis_client.loop_connection import LoopConnection  # and with it asyncio, which threads do without

    address = parse_redis_url(url)
    return LoopConnection(address, _login(address, credentials))


def _login(address: RedisAddress, credentials: CredentialSource | None) -> Login:
    """Prefer the credentials; the URL's where they are nobody's."""
    if credentials is None or credentials == FixedCredentials(NOBODY):
        credentials = FixedCredentials(Credentials(address.username, address.password))
    return Login(credentials)
