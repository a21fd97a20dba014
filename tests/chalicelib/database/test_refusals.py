"""What the server refuses is kept apart by what was asked: open connections outlive a refused login, reads a write."""

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
from tests.chalicelib.database.products import RADIO, TV, agree, backend_of, fill_pool, sql, store_at
from tests.chalicelib.database.test_pool import answers
from tests.chalicelib.rotating_secret import RotatingSecret
from tests.fixtures.wire import Proxy

THREADS = 8


def read_at_once(store: PostgresStore) -> None:
    """Read from more threads than the store has connections."""
    with ThreadPoolExecutor(THREADS) as threads:
        list(threads.map(lambda _: [store.read(1) for _ in range(20)], range(THREADS)))


class TestLogins:
    """A refused login is an outage only if no connection is open."""

    @pytest.fixture
    def role(self, products_url: str) -> Iterator[str]:
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
        self, products_url: str, role: str, caplog: pytest.LogCaptureFixture
    ) -> None:
        secret = RotatingSecret(role, "old")
        with closing(store_at(products_url, credentials=secret)) as store:
            store.read(1)
            sql(products_url, f"ALTER ROLE {role} PASSWORD 'new'")
            with caplog.at_level(logging.WARNING, "shop"):
                read_at_once(store)
            assert ["PostgreSQL refuses a new login" in line for line in caplog.messages] == [True]
            assert (store.breaker.is_open, store.breaker.failures) == (False, 0)
            assert store.pool.checkedin() == 1
            secret.rotate("new")
            fill_pool(store)
            assert store.pool.checkedin() == 5

    def test_a_thread_that_gets_no_connection_fails_and_the_circuit_stays_closed(
        self, products_url: str, role: str
    ) -> None:
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
        self, products_url: str, role: str, proxy: Proxy
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

    def test_a_server_without_room_for_more_connections_leaves_the_open_one_in_use(
        self, products_url: str, role: str
    ) -> None:
        sql(products_url, f"ALTER ROLE {role} CONNECTION LIMIT 1")
        login = FixedCredentials(Credentials(role, "old"))
        with closing(store_at(products_url, credentials=login)) as store:
            store.read(1)
            read_at_once(store)
            assert (store.breaker.is_open, store.breaker.failures) == (False, 0)


class TestWrites:
    """A refused write leaves reads, and the connections that read."""

    def test_a_primary_that_refuses_writes_reads_over_the_same_connections(self, database_url: str) -> None:
        name = database_url.rpartition("/")[2]
        with closing(store_at(database_url)) as store:
            store.create(TV)
        sql(database_url, f"ALTER DATABASE {name} SET default_transaction_read_only = on")
        with closing(store_at(database_url)) as store:
            fill_pool(store)
            backend = backend_of(store)
            writes = (lambda: store.replace(RADIO), lambda: store.replace_if(RADIO, agree), lambda: store.remove(1))
            for write in writes:
                with pytest.raises(DatabaseUnavailableError, match="25006"):
                    write()
                assert store.read(1) == TV
            assert backend_of(store) == backend
            assert (store.breaker.is_open, store.breaker.failures) == (False, 3)
            sql(database_url.replace(name, "postgres"), f"ALTER DATABASE {name} RESET default_transaction_read_only")
            assert wait_until(lambda: replaces(store), 10), "connections that remember are replaced"
            for _ in range(store.pool.size()):
                assert store.replace(RADIO)

    def test_refused_writes_do_not_fill_the_log(self, database_url: str, caplog: pytest.LogCaptureFixture) -> None:
        name = database_url.rpartition("/")[2]
        sql(database_url, f"ALTER DATABASE {name} SET default_transaction_read_only = on")
        with closing(store_at(database_url)) as store, caplog.at_level(logging.WARNING, "shop"):
            for _ in range(50):
                with pytest.raises(DatabaseUnavailableError):
                    store.create(TV)
        (line,) = caplog.messages
        assert "PostgreSQL is used, but refuses" in line

    @pytest.fixture
    def demoted(self, proxy: Proxy) -> Proxy:
        """A proxy behind which the server says that it is a standby, when it is asked."""
        row = b"D\x00\x00\x00\x0b\x00\x01\x00\x00\x00\x01"
        proxy.rewrite_answers = lambda data: data.replace(row + b"f", row + b"t")
        return proxy

    def test_the_connections_to_a_server_that_was_demoted_are_replaced(self, database_url: str, demoted: Proxy) -> None:
        name = database_url.rpartition("/")[2]
        sql(database_url, f"ALTER DATABASE {name} SET default_transaction_read_only = on")
        with closing(store_at(demoted.in_front_of(database_url))) as store:
            fill_pool(store)
            sql(database_url.replace(name, "postgres"), f"ALTER DATABASE {name} RESET default_transaction_read_only")
            assert store.create(TV) is None, "it was tried again on a new connection"
            assert demoted.connections == 5 + 1
            fill_pool(store)
            assert demoted.connections == 5 + 5, "the others of that generation are not used again"

    def test_a_new_connection_to_a_server_that_was_demoted_is_an_outage(
        self, database_url: str, demoted: Proxy
    ) -> None:
        name = database_url.rpartition("/")[2]
        sql(database_url, f"ALTER DATABASE {name} SET default_transaction_read_only = on")
        with closing(store_at(demoted.in_front_of(database_url))) as store:
            with pytest.raises(DatabaseAwayError, match="25006"):
                store.create(TV)
            assert not store.pool.is_any_open

    @pytest.mark.parametrize("state", ["53100", "53200", "53400"])
    def test_a_full_server_refuses_writes_only(self, database_url: str, state: str) -> None:
        with closing(store_at(database_url)) as store:
            store.create(TV)
            backend = backend_of(store)
            sql(
                database_url,
                "CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS"
                f" $$ BEGIN RAISE EXCEPTION 'no space left' USING ERRCODE = '{state}'; END $$",
            )
            sql(database_url, "CREATE TRIGGER full_disk BEFORE UPDATE ON products EXECUTE FUNCTION refuse()")
            for _ in range(3):
                with pytest.raises(DatabaseUnavailableError, match=state):
                    store.replace(RADIO)
                assert store.read(1) == TV
            assert (store.breaker.is_open, store.breaker.failures) == (False, 3)
            assert backend_of(store) == backend


def replaces(store: PostgresStore) -> bool:
    """Return whether the database takes a write."""
    try:
        return store.replace(RADIO)
    except DatabaseUnavailableError:
        return False
