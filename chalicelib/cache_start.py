"""What the cache asks of Redis before the service starts.

A server in cluster mode stops the start: the cache does not speak that, so every write would be answered 503. On any
other the hot set is created, so that it is old enough before the first write, which would wait for that otherwise.

What must hold: a Redis that is away, slow or of few words neither stops the start nor noticeably delays it.
"""

import contextlib
import threading

import redis

from chalicelib import credentials, hot_set
from chalicelib.redis_client import CacheTimeouts, redis_client
from chalicelib.settings import Settings, SettingsError

PATIENCE_SECONDS = 2.0
"""What all of the question may take: no timeout of a client bounds a look-up of a name, or of a secret."""

CLUSTER = b"cluster"

IN_CLUSTER_MODE = (
    "REDIS_URL names a server in cluster mode, which this cache does not speak: use one with cluster mode disabled"
    " (ElastiCache: cluster mode disabled, with replicas)"
)


def prepare_cache(settings: Settings, timeouts: CacheTimeouts) -> None:
    """Ask Redis for its mode, and create the hot set; where Redis does not answer, all is well.

    Raises:
        SettingsError: it is in cluster mode.
    """
    told: list[object] = []

    def ask() -> None:
        with contextlib.suppress(redis.RedisError):
            told.append(_mode(settings, timeouts))

    asking = threading.Thread(target=ask, name="prepare-cache", daemon=True)
    asking.start()
    asking.join(PATIENCE_SECONDS)
    if CLUSTER in told:
        raise SettingsError(IN_CLUSTER_MODE)


def _mode(settings: Settings, timeouts: CacheTimeouts) -> object:
    """Return what the server says to HELLO, which whoever may connect may ask; INFO would want a right of its own."""
    login = credentials.source(None, settings.redis_secret_arn)
    with redis_client(settings.redis_url, login, timeouts) as client:
        mode = client.execute_command("HELLO", 3).get(b"mode")
        if mode != CLUSTER:
            hot_set.create(client.execute_command)
        return mode
