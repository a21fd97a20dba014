"""A refused login is an outage only if no connection is open."""

import logging
import secrets
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing

import pytest

from chalicelib.database.session import DatabaseAwayError
from chalicelib.database.store import PostgresStore
from chalicelib.errors import DatabaseUnavailableError
from chalicelib.stores.credentials import Credentials, FixedCredentials
from local.waiting import wait_until
from tests.chalicelib.database.products import fill_pool, sql, store_at
from tests.chalicelib.database.test_pool import answers
from tests.chalicelib.rotating_secret import RotatingSecret
from tests.fixtures.wire import Proxy

THREADS = 8


def read_at_once(store: PostgresStore) -> None:
    """Read from more threads than the store has connections."""
    with ThreadPoolExecutor(THREADS) as threads:
        list(threads.map(lambda _: [store.read(1) for _ in range(20)], range(THREADS)))


@pytest.fixture
def role(products_url: str) -> Iterator[str]:
    """A role whose password is `old`."""
    name = f"rotating_{secrets.token_hex(4)}"
    sql(products_url, f"CREATE ROLE {name} LOGIN PASSWORD 'old'")
    sql(products_url, f"GRANT ALL ON products TO {name}")
    try:
        yield name
    finally:
        sql(products_url, f"DROP OWNED BY {name}")
        sql(products_url, f"DROP ROLE {name}")


def test_while_the_password_rotates_one_open_connection_serves_all_threads(
    products_url: str, role: str, caplog: pytest.LogCaptureFixture
) -> None:
    secret = RotatingSecret(role, "old")
    with closing(store_at(products_url, credentials=secret)) as store:
        store.read(1)
        sql(products_url, f"ALTER ROLE {role} PASSWORD 'new'")
        with caplog.at_level(logging.WARNING, "shop"):
            read_at_once(store)
        assert [line.partition(";")[0] for line in caplog.messages] == ["PostgreSQL refuses a new login"]
        assert caplog.text.rstrip().endswith("(SQLSTATE 28P01)")
        assert (store.breaker.is_open, store.breaker.failures) == (False, 0)
        assert store.pool.checkedin() == 1
        secret.rotate("new")
        fill_pool(store)
        assert store.pool.checkedin() == 5


def test_a_thread_that_gets_no_connection_fails_and_the_circuit_stays_closed(products_url: str, role: str) -> None:
    with closing(store_at(products_url, credentials=RotatingSecret(role, "old"))) as store:
        with store._sessions.session() as session:
            session.run("SELECT 1")
            sql(products_url, f"ALTER ROLE {role} PASSWORD 'new'")
            for _ in range(3):
                with pytest.raises(DatabaseUnavailableError, match=r"no connection was free .* 28P01"):
                    store.read(1)
        assert (store.breaker.is_open, store.breaker.failures) == (False, 3)
        assert store.read(1) is None


def test_without_an_open_connection_the_circuit_opens_and_few_logins_are_tried(
    products_url: str, role: str, proxy: Proxy
) -> None:
    secret = RotatingSecret(role, "wrong")
    with closing(store_at(proxy.in_front_of(products_url), credentials=secret)) as store:
        for _ in range(3):
            with pytest.raises(DatabaseUnavailableError):
                store.read(1)
        assert store.breaker.is_open
        for _ in range(20):
            with pytest.raises(DatabaseAwayError, match="28P01"):
                store._sessions._try_connect()
        assert proxy.connections <= 2, "one, and one more if all this took longer than a second"
        secret.rotate("old")
        assert wait_until(lambda: answers(store), 10)


def test_a_server_without_room_for_more_connections_leaves_the_open_one_in_use(products_url: str, role: str) -> None:
    sql(products_url, f"ALTER ROLE {role} CONNECTION LIMIT 1")
    login = FixedCredentials(Credentials(role, "old"))
    with closing(store_at(products_url, credentials=login)) as store:
        store.read(1)
        read_at_once(store)
        assert (store.breaker.is_open, store.breaker.failures) == (False, 0)
