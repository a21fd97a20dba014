"""Stores over the tests' databases."""

from collections.abc import Iterator
from contextlib import closing

import pytest

from chalicelib.database.store import PostgresStore
from tests.chalicelib.database.products import sql, store_at
from tests.fixtures.wire import Proxy, proxied


@pytest.fixture
def products_url(module_database_url: str) -> str:
    """A migrated, empty database. Tests that change more than products use `database_url` instead."""
    sql(module_database_url, "TRUNCATE products")
    return module_database_url


@pytest.fixture
def store(products_url: str) -> Iterator[PostgresStore]:
    with closing(store_at(products_url)) as store:
        yield store


@pytest.fixture
def own_store(own_database_url: str) -> Iterator[PostgresStore]:
    with closing(store_at(own_database_url)) as store:
        yield store


@pytest.fixture
def proxy(products_url: str) -> Iterator[Proxy]:
    with proxied(products_url) as proxy:
        yield proxy


@pytest.fixture
def far_store(products_url: str, proxy: Proxy) -> Iterator[PostgresStore]:
    """A store behind a proxy that can cut connections. It has one open connection, already used."""
    with closing(store_at(proxy.in_front_of(products_url))) as store:
        store.read(1)
        yield store
