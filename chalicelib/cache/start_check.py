"""Checks Redis before the service starts, and creates the hot set.

Redis in cluster mode stops the start: the cache does not support it, so each write would fail with 503. So does a Redis
that does not give its generation, or does not have the URL's database. The hot set is created now because the first
write waits until the set is old enough.

A Redis that is unavailable or slow neither stops nor noticeably delays the start.
"""

import contextlib
import threading

from chalicelib.cache import hot_set
from chalicelib.redis_client import generations
from chalicelib.redis_client.client import CacheTimeouts, redis_client
from chalicelib.redis_client.errors import RedisError, RedisResponseError
from chalicelib.redis_client.thread_connections import ThreadConnections
from chalicelib.settings import Settings, SettingsError
from chalicelib.stores import credentials

CHECK_SECONDS = 2.0
"""How long the check may take: no timeout of the client bounds reading a secret."""

CLUSTER = b"cluster"

IN_CLUSTER_MODE = (
    "REDIS_URL names a server in cluster mode, which this cache does not support: use one with cluster mode disabled"
    " (ElastiCache: cluster mode disabled, with replicas)"
)

NO_GENERATION = (
    "REDIS_URL's user may not run INFO, or INFO does not give run_id and master_replid, by which the cache notices"
    " a failover: allow it (ACL SETUSER <user> +info)"
)

NO_SUCH_DATABASE = "REDIS_URL names a database that the server does not have: use 0, or raise `databases` in redis.conf"
OUT_OF_RANGE = "ERR DB index is out of range"  # Redis' and Valkey's answer to SELECT


def prepare_cache(settings: Settings, timeouts: CacheTimeouts) -> None:
    """Check the mode of Redis, and create the hot set. No answer is no error.

    Raises:
        SettingsError: Redis is in cluster mode, its user may not run INFO, or it does not have the URL's database.
    """
    errors: list[str] = []

    def check() -> None:
        with contextlib.suppress(RedisError):
            errors.extend(_errors(settings, timeouts))

    checking = threading.Thread(target=check, name="prepare-cache", daemon=True)
    checking.start()
    checking.join(CHECK_SECONDS)
    if errors:
        raise SettingsError(errors[0])


def _errors(settings: Settings, timeouts: CacheTimeouts) -> list[str]:
    """Return why the cache cannot use this server. HELLO returns the mode, and every user may run it."""
    login = credentials.source(None, settings.redis_secret_arn)
    with contextlib.closing(ThreadConnections(redis_client(settings.redis_url, login, timeouts))) as connections:
        try:
            if connections.ask("HELLO", 3).get(b"mode") == CLUSTER:
                return [IN_CLUSTER_MODE]
            hot_set.create(connections.ask)
        except RedisResponseError as error:
            if generations.is_unknown(error):
                return [NO_GENERATION]
            if str(error) == OUT_OF_RANGE:
                return [NO_SUCH_DATABASE]
            raise
    return []
