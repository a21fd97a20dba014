"""Join the catalog to its stores: the one place that knows which adapters are used."""

import os
import threading

from chalicelib import credentials
from chalicelib.catalog import Catalog
from chalicelib.postgres import PostgresStore
from chalicelib.redis_cache import LazyCache, redis_client
from chalicelib.settings import Settings, SettingsError, read_settings

_lock = threading.Lock()
_catalog: Catalog | None = None


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
    """Build the catalog; end the start with every fault of the settings where that cannot be done.

    Raises:
        SystemExit: the environment does not describe a working shop; its message has one line for each fault.
    """
    try:
        catalog()
    except SettingsError as error:
        raise SystemExit(str(error)) from None


def build_catalog(settings: Settings) -> Catalog:
    """Build a catalog over PostgreSQL and Redis."""
    database_credentials = credentials.source(settings.database_credentials, settings.database_secret_arn)
    store = PostgresStore(settings.database, database_credentials, settings.database_pool_size)
    redis_credentials = credentials.source(None, settings.redis_secret_arn)
    cache = LazyCache(redis_client(settings.redis_url, redis_credentials), settings.cache_ttl_seconds)
    return Catalog(store, cache)
