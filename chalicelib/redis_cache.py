"""Products' JSON in Redis: `ports.ProductCache` as plain lazy loading, and the client that it needs.

What must hold: a Redis that is away never fails a read and, after a few failures, costs it nothing; a write is
refused unless Redis has confirmed, before and after COMMIT, that the old value is gone.
"""

import logging
import random
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import redis
from redis.backoff import NoBackoff
from redis.connection import Connection, ConnectionPool, SSLConnection, parse_url
from redis.credentials import CredentialProvider
from redis.exceptions import AuthenticationError, BusyLoadingError, MasterDownError, ReadOnlyError
from redis.maint_notifications import MaintNotificationsConfig
from redis.retry import Retry

from chalicelib.breaker import Breaker
from chalicelib.credentials import NOBODY, CredentialSource, CredentialsUnavailableError, FixedCredentials
from chalicelib.errors import CacheUnavailableError
from chalicelib.ports import CacheResult, Reading
from chalicelib.settings import Credentials

logger = logging.getLogger(__name__)

KEY = "p1:{}"  # the 1 is the version of the value's form: raise it when the JSON changes
JITTER = 0.05  # lifetimes are up to this part shorter, so that what was loaded together does not expire together
LOG_EVERY_SECONDS = 5.0
UNBOUNDED = 2**31  # a thread holds one connection at most: their number bounds the pool


@dataclass(frozen=True, slots=True)
class CacheTimeouts:
    """How long Redis may take, in seconds: a cache that is slower than its database is none."""

    connect: float = 0.05
    answer: float = 0.05


class LazyCache:
    """Loads a product into Redis when it is first read; a write deletes it."""

    def __init__(
        self,
        client: redis.Redis,
        ttl_seconds: int,
        *,
        breaker: Breaker | None = None,
        chance: Callable[[], float] = random.random,
    ) -> None:
        self.failures = FailureLog()
        self._client = client
        self._ttl_seconds = ttl_seconds
        self._breaker = breaker or Breaker()
        self._chance = chance

    def read(self, product_id: int, load: Callable[[], bytes | None]) -> Reading:
        """Answer from Redis, or from `load`: then it is remembered, unless there is no such product."""
        key = KEY.format(product_id)
        if not self._breaker.allows():
            return Reading(load(), CacheResult.BYPASS)
        try:
            body = self.ask("GET", key)
        except redis.RedisError:
            return Reading(load(), CacheResult.BYPASS)
        if body is not None:
            return Reading(body, CacheResult.HIT)
        return Reading(self._fill(key, load()), CacheResult.MISS)

    def fence(self, product_id: int) -> "DeletingFence":
        """Begin a write of one product."""
        return DeletingFence(self, KEY.format(product_id))

    def ask(self, *command: str | bytes | int) -> Any:
        """Run one command, telling the breaker and the log how it went.

        Raises:
            redis.RedisError: Redis is away, or does not take the command.
        """
        try:
            answer = self._client.execute_command(*command)  # type: ignore[no-untyped-call]
        except redis.RedisError as error:
            self._breaker.failed()
            self.failures.record(error)
            raise
        self._breaker.succeeded()
        return answer

    def _fill(self, key: str, body: bytes | None) -> bytes | None:
        """Remember a loaded body where there is one, as well as may be; return it."""
        if body is not None:
            try:
                self.ask("SET", key, body, "EX", self._lifetime())
            except redis.RedisError:
                return body  # counted and logged; the answer is in our hands
        return body

    def _lifetime(self) -> int:
        """Return whole seconds, at least one, at most the TTL."""
        return max(1, round(self._ttl_seconds * (1 - JITTER * self._chance())))


class DeletingFence:
    """Deletes the old value before COMMIT, and again after it for whoever loaded it meanwhile."""

    def __init__(self, cache: LazyCache, key: str) -> None:
        self._cache = cache
        self._key = key

    def raise_(self, *, replaces: bool = True) -> None:
        """Delete the value; raises CacheUnavailableError where Redis does not confirm it."""
        self._delete()

    def publish(self, body: bytes | None) -> None:
        """Delete what was loaded between the first deletion and COMMIT; raises as `raise_` does."""
        self._delete()

    def _delete(self) -> None:
        try:
            self._cache.ask("DEL", self._key)
        except redis.RedisError as error:
            raise CacheUnavailableError(f"Redis did not confirm the deletion of {self._key}: {error}") from error


class FailureLog:
    """Counts failures and logs some: a Redis that is away must not fill the log."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self.count = 0
        self._clock = clock
        self._lock = threading.Lock()
        self._unlogged = 0
        self._next_log = float("-inf")

    def record(self, error: Exception) -> None:
        """Count a failure; log it with how many there were since the last line, once every few seconds."""
        with self._lock:
            self.count += 1
            self._unlogged += 1
            now = self._clock()
            if now < self._next_log:
                return
            failures, self._unlogged, self._next_log = self._unlogged, 0, now + LOG_EVERY_SECONDS
        logger.warning("Redis failed %d time(s) since last reported: %s: %s", failures, type(error).__name__, error)


def redis_client(
    url: str,
    credentials: CredentialSource | None = None,
    timeouts: CacheTimeouts = CacheTimeouts(),
) -> redis.Redis:
    """Return a client that never retries and never waits longer than `timeouts`; it connects when first asked.

    Credentials, unless they are nobody's, override those in the URL, and are read again when Redis refuses them. Of
    the rest, what the URL asks for (`?socket_timeout=0.2`) comes first.
    """
    asked: dict[str, Any] = dict(parse_url(url))  # type: ignore[no-untyped-call]
    tls = asked.pop("connection_class", Connection) is SSLConnection
    login = _login(asked.pop("username", None), asked.pop("password", None), credentials)
    options: dict[str, Any] = {
        "connection_class": RenewedTLSConnection if tls else RenewedConnection,
        "max_connections": UNBOUNDED,
        "login": login,
        "lineage": Lineage(),
        "socket_timeout": timeouts.answer,
        "socket_connect_timeout": timeouts.connect,
        "retry": Retry(NoBackoff(), 0),
        "health_check_interval": 0,
        "protocol": 3,  # HELLO: over TLS, redis-py takes a connection that has read nothing yet for dirty
        "driver_info": None,  # no CLIENT SETINFO, which 6.2 does not know
        "maint_notifications_config": MaintNotificationsConfig(enabled=False),  # nor CLIENT MAINT_NOTIFICATIONS
    }
    return redis.Redis.from_pool(ConnectionPool(**(options | asked)))


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


class Lineage:
    """The age of a pool's connections: after `end`, every connection that exists is replaced before its next use."""

    def __init__(self) -> None:
        self.number = 0

    def end(self) -> None:
        """Begin a new age."""
        self.number += 1


class RenewedConnection(Connection):
    """A connection that is opened anew when its server was demoted or is loading, or its credentials have rotated."""

    def __init__(self, *, login: Login, lineage: Lineage, **options: Any) -> None:
        super().__init__(credential_provider=login, **options)  # type: ignore[no-untyped-call]
        self._login = login
        self._lineage = lineage
        self._born = lineage.number

    def connect(self) -> None:
        """Be connected; redis-py's pool calls this before each use."""
        if self.is_connected and self._born == self._lineage.number:
            return
        self.disconnect()  # type: ignore[no-untyped-call]
        self._born = self._lineage.number
        tried = self._login.current()
        try:
            super().connect()  # type: ignore[no-untyped-call]
        except AuthenticationError:
            if not self._login.is_renewed(tried):
                raise
            super().connect()  # type: ignore[no-untyped-call]

    def read_response(self, *args: Any, **options: Any) -> Any:
        """Read one answer; one that says that this is the wrong server to talk to ends the pool's lineage."""
        try:
            return super().read_response(*args, **options)
        except (ReadOnlyError, BusyLoadingError, MasterDownError):
            self._lineage.end()
            raise


class RenewedTLSConnection(RenewedConnection, SSLConnection):
    """The same over TLS, the server's certificate and name verified."""
