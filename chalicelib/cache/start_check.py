"""What the cache asks of Redis before the service starts.

A server in cluster mode stops the start: the cache does not speak that, so every write would be answered 503. So does
one that does not tell its generation. On any other the hot set is created, so that it is old enough before the first
write, which would wait for that otherwise.

What must hold: a Redis that is away, slow or of few words neither stops the start nor noticeably delays it.
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

PATIENCE_SECONDS = 2.0
"""What all of the question may take: no timeout of a client bounds a look-up of a name, or of a secret."""

CLUSTER = b"cluster"

IN_CLUSTER_MODE = (
    "REDIS_URL names a server in cluster mode, which this cache does not speak: use one with cluster mode disabled"
    " (ElastiCache: cluster mode disabled, with replicas)"
)


NO_GENERATION = (
    "REDIS_URL's user may not ask INFO, or it does not tell run_id and master_replid, by which the cache notices"
    " a failover: allow it (ACL SETUSER <user> +info)"
)


def prepare_cache(settings: Settings, timeouts: CacheTimeouts) -> None:
    """Ask Redis for its mode, and create the hot set; where Redis does not answer, all is well.

    Raises:
        SettingsError: it is in cluster mode, or its user may not ask INFO.
    """
    faults: list[str] = []

    def ask() -> None:
        with contextlib.suppress(RedisError):
            faults.extend(_faults(settings, timeouts))

    asking = threading.Thread(target=ask, name="prepare-cache", daemon=True)
    asking.start()
    asking.join(PATIENCE_SECONDS)
    if faults:
        raise SettingsError(faults[0])


def _faults(settings: Settings, timeouts: CacheTimeouts) -> list[str]:
    """Return why this server will not do; HELLO tells its mode to whoever may connect."""
    login = credentials.source(None, settings.redis_secret_arn)
    with contextlib.closing(ThreadConnections(redis_client(settings.redis_url, login, timeouts))) as connections:
        try:
            if connections.ask("HELLO", 3).get(b"mode") == CLUSTER:
                return [IN_CLUSTER_MODE]
            hot_set.create(connections.ask)
        except RedisResponseError as error:
            if generations.is_unknown(error):
                return [NO_GENERATION]
            raise
    return []
