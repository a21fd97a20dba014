"""Build the catalog with its store and its cache: the one place that chooses the implementations."""

import functools
import os
import threading
import time

from chalicelib.cache import hot_set
from chalicelib.cache.audit import Audit
from chalicelib.cache.local_copies import LocalCopies
from chalicelib.cache.read_through import Lifetimes, ReadThroughCache, Sleep
from chalicelib.cache.redis_steps import RedisSteps
from chalicelib.cache.start_check import prepare_cache
from chalicelib.catalog import Catalog, load_json
from chalicelib.database.login import database_source
from chalicelib.database.store import PostgresStore
from chalicelib.ports import ProductCache, ProductStore
from chalicelib.redis_client.client import CacheTimeouts, redis_client
from chalicelib.redis_client.errors import RedisError
from chalicelib.redis_client.thread_connections import ThreadConnections
from chalicelib.settings import Settings, SettingsError, read_settings
from chalicelib.stores import credentials
from chalicelib.stores.circuit_breaker import CircuitBreaker
from chalicelib.telemetry.instrumented import InstrumentedCache, StoreInstrumentation
from chalicelib.telemetry.metrics import METRICS, ShopMetrics

WRITERS_TIMEOUTS = CacheTimeouts(connect=0.25, answer=0.25, secret=1.0)

_lock = threading.Lock()
_catalog: Catalog | None = None
_sleep: Sleep = time.sleep


def wait_with(sleep: Sleep) -> None:
    """Make the cache wait with `sleep` in place of `time.sleep`: the adapter's lends the thread's permit."""
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
    """Build the catalog; stop the start with every error in the settings, or if a store cannot be used as it is.

    Raises:
        SystemExit: the environment does not describe a working shop; its message has one line for each fault.
    """
    try:
        catalog().start_check()
        prepare_cache(read_settings(os.environ), WRITERS_TIMEOUTS)
    except SettingsError as error:
        raise SystemExit(str(error)) from None


def build_catalog(settings: Settings, metrics: ShopMetrics = METRICS) -> Catalog:
    """Build a catalog over PostgreSQL and Redis, recorded in the metrics.

    Raises:
        SettingsError: the database's TLS certificates cannot be read.
    """
    store = build_store(settings, metrics)
    return Catalog(store, InstrumentedCache(build_cache(settings, store, metrics), metrics))


def build_store(settings: Settings, metrics: ShopMetrics = METRICS) -> PostgresStore:
    """Build the store; raises SettingsError if its TLS certificates cannot be read."""
    store = PostgresStore(
        settings.database,
        database_source(settings),
        settings.database_pool_size,
        instrumentation=StoreInstrumentation("PostgreSQL", "postgresql", metrics),
    )
    metrics.stores.add_database(store.pool, store.breaker)
    return store


def build_cache(settings: Settings, store: ProductStore, metrics: ShopMetrics = METRICS) -> ProductCache:
    """Build the cache in front of a store."""
    reads = redis_client(settings.redis_url, credentials.source(None, settings.redis_secret_arn))
    writes = reads.with_timeouts(WRITERS_TIMEOUTS)
    probe = ThreadConnections(reads)
    breaker = CircuitBreaker("Redis", lambda: hot_set.create(probe.ask), RedisError, is_refusal=reads.is_refusal)
    metrics.stores.add_cache(breaker)
    instrumentation = StoreInstrumentation("Redis", "redis", metrics)
    shared = RedisSteps(reads, writes, breaker, instrumentation, reads.loop_connection, reads.timeouts.longest)

    load = functools.partial(load_json, store)
    audit = Audit(shared, load, lambda result: metrics.cache_audits[result].inc())
    lifetimes = Lifetimes(body=settings.cache_ttl_seconds)
    return ReadThroughCache(
        shared,
        LocalCopies(),
        settings.local_lease_ms,
        lifetimes,
        audit,
        metrics.local_hits.inc,
        sleep=lambda seconds: _sleep(seconds),
    )
