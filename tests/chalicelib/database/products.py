"""Shared by the tests of the product store: products, stores, and ways to observe and to pause them."""

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from decimal import Decimal
from typing import cast

import pytest
from pg8000 import native

from chalicelib.database.pool import SessionPool, Timeouts
from chalicelib.database.session import Connection
from chalicelib.database.store import PostgresStore, retried
from chalicelib.database_url import DatabaseAddress
from chalicelib.errors import PreconditionFailedError
from chalicelib.product import Product
from chalicelib.settings import read_settings
from chalicelib.stores.credentials import Credentials, CredentialSource, FixedCredentials
from tests.fixtures.wire import Proxy

TV = Product(1, "Samsung TV", Decimal("140"))
RADIO = Product(1, "Radio", Decimal("19.99"))
KETTLE = Product(1, "Kettle", Decimal("7.5"))


def database_at(url: str) -> tuple[DatabaseAddress, Credentials]:
    settings = read_settings({"DATABASE_URL": url, "REDIS_URL": "redis://unused"})
    return settings.database, settings.database_credentials


def store_at(
    url: str, pool_size: int = 5, timeouts: Timeouts | None = None, credentials: CredentialSource | None = None
) -> PostgresStore:
    address, fixed = database_at(url)
    return PostgresStore(address, credentials or FixedCredentials(fixed), pool_size, timeouts or Timeouts())


@contextmanager
def session(url: str) -> Iterator[native.Connection]:
    """Connect to a database as its administrator."""
    where, who = database_at(url)
    with native.Connection(
        who.username,
        host=where.host,
        port=where.port,
        password=who.password,
        database=where.database,
        ssl_context=False,  # the server has none; to make one takes 30 ms of CPU each time
    ) as connection:
        yield connection


def sql(url: str, statement: str, **values: object) -> list[list[object]]:
    """Run one statement on a new connection."""
    with session(url) as connection:
        return connection.run(statement, **values) or []


def agree(stored: Product) -> None:
    """A check that allows every write."""


class Paused:
    """A conditional write in another thread, paused before its COMMIT until the test lets it continue or fail."""

    def __init__(self, write: Callable[[Callable[[Product], None]], bool]) -> None:
        self._arrived = threading.Event()
        self._released = threading.Event()
        self._fails = False
        self._threads = ThreadPoolExecutor(1)
        self._done = self._threads.submit(write, self._pause)

    def _pause(self, stored: Product) -> None:
        self._arrived.set()
        assert self._released.wait(10)
        if self._fails:
            raise PreconditionFailedError("the product has changed")

    def go_on(self, error: type[Exception] | None = None) -> None:
        self._released.set()
        if error:
            with pytest.raises(error):
                self._done.result()
        else:
            assert self._done.result()

    def fail(self) -> None:
        self._fails = True
        self.go_on(PreconditionFailedError)

    def __enter__(self) -> "Paused":
        assert self._arrived.wait(10)
        return self

    def __exit__(self, *_: object) -> None:
        self._released.set()
        self._threads.shutdown()


@contextmanager
def lent(store: PostgresStore) -> Iterator[Connection]:
    """Borrow the store's next connection."""
    connection = store.pool.checkout()
    try:
        yield connection
    finally:
        store.pool.checkin(connection)


def backend_of(store: PostgresStore) -> bytes:
    """Return a value that identifies the store's next connection."""
    with lent(store) as connection:
        return cast("bytes", connection._driver._backend_key_data)


def waiting(store: PostgresStore) -> bool:
    """Return whether a transaction in the store's database waits for a lock."""
    with lent(store) as connection:
        rows = connection._driver.run(
            "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = current_database()"
        )
        return bool(rows[0][0])


def fill_pool(store: PostgresStore) -> None:
    """Open and use as many connections as the pool allows."""
    barrier = threading.Barrier(store.pool.size())

    @retried
    def use(sessions: SessionPool) -> None:
        with sessions.session() as session:
            barrier.wait(5)
            session.run("SELECT count(*) FROM products")

    with ThreadPoolExecutor(store.pool.size()) as threads:
        for done in [threads.submit(use, store._sessions) for _ in range(store.pool.size())]:
            done.result()


def trips(proxy: Proxy, action: Callable[[], object]) -> int:
    before = proxy.round_trips
    action()
    return proxy.round_trips - before
