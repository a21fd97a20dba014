"""Join the catalog to its stores: the one place that knows which adapters are used."""

import functools
import os
import threading
import time

from chalicelib import credentials, hot_set
from chalicelib.audit import Audit
from chalicelib.cache_start import prepare_cache
from chalicelib.catalog import Catalog
from chalicelib.guard import Guard
from chalicelib.lease_cache import LeaseCache, Lifetimes, Sleep
from chalicelib.local_leases import LocalLeases
from chalicelib.login import database_source
from chalicelib.metrics import METRICS, ShopMetrics
from chalicelib.observation import ObservedCache, StoreWatch
from chalicelib.own_connections import OwnConnections
from chalicelib.ports import ProductCache, ProductStore
from chalicelib.postgres import PostgresStore
from chalicelib.redis_client import CacheTimeouts, loop_connection, redis_client
from chalicelib.redis_errors import RedisError
from chalicelib.settings import Settings, SettingsError, read_settings
from chalicelib.shared_cache import SharedCache

WRITERS_TIMEOUTS = CacheTimeouts(connect=0.25, answer=0.25)

_lock = threading.Lock()
_catalog: Catalog | None = None
_sleep: Sleep = time.sleep


def wait_with(sleep: Sleep) -> None:
    """Have the cache wait this way from now on, where another than `time.sleep` is better."""
    global _sleep
    _sleep = sleep


def catalog() -> Catalog:
    """Return the process's catalog, built from the environment at the first call; no connection is opened here.

    Raises:
        SettingsError: the environment does not describe a working shop.
    """
    global _catalog
    if _catalog is None:
        with _lock:
            if _catalog is None:
                _catalog = build_catalog(read_settings(os.environ))
    return _catalog


def check_settings() -> None:
    """Build the catalog; end the start with every fault of the settings, or where Redis is in cluster mode.

    Raises:
        SystemExit: the environment does not describe a working shop; its message has one line for each fault.
    """
    try:
        catalog()
        prepare_cache(read_settings(os.environ), WRITERS_TIMEOUTS)
    except SettingsError as error:
        raise SystemExit(str(error)) from None


def build_catalog(settings: Settings, metrics: ShopMetrics = METRICS) -> Catalog:
    """Build a catalog over PostgreSQL and Redis, watched by the metrics.

    Raises:
        SettingsError: the database's TLS certificates cannot be read.
    """
    store = build_store(settings, metrics)
    return Catalog(store, ObservedCache(build_cache(settings, store, metrics), metrics))


def build_store(settings: Settings, metrics: ShopMetrics = METRICS) -> PostgresStore:
    """Build the store; raises SettingsError where its TLS certificates cannot be read."""
    store = PostgresStore(
        settings.database,
        database_source(settings),
        settings.database_pool_size,
        watch=StoreWatch("PostgreSQL", "postgresql", metrics),
    )
    metrics.stores.watch_database(store.pool, store.guard)
    return store


def build_cache(settings: Settings, store: ProductStore, metrics: ShopMetrics = METRICS) -> ProductCache:
    """Build the cache before a store."""
    redis_credentials = credentials.source(None, settings.redis_secret_arn)
    reads = redis_client(settings.redis_url, redis_credentials)
    writes = redis_client(settings.redis_url, redis_credentials, WRITERS_TIMEOUTS)
    probe = OwnConnections(reads)
    ahead = functools.partial(loop_connection, settings.redis_url, redis_credentials)
    guard = Guard("Redis", lambda: hot_set.create(probe.ask), RedisError)
    metrics.stores.watch_cache(guard)
    shared = SharedCache(reads, writes, guard, StoreWatch("Redis", "redis", metrics), ahead)

    def load(product_id: int) -> bytes | None:
        product = store.read(product_id)
        return product.to_json() if product else None

    audit = Audit(shared, load, lambda result: metrics.cache_audits[result].inc())
    lifetimes = Lifetimes(body=settings.cache_ttl_seconds)
    local, sleep = LocalLeases(), lambda seconds: _sleep(seconds)
    return LeaseCache(shared, local, settings.local_lease_ms, lifetimes, audit, metrics.local_hits.inc, sleep=sleep)
