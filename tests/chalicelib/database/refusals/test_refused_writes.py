"""A refused write leaves reads, and the connections that read."""

import logging
from contextlib import closing

import pytest

from chalicelib.database.session import DatabaseAwayError
from chalicelib.database.store import PostgresStore
from chalicelib.errors import DatabaseUnavailableError
from local.waiting import wait_until
from tests.chalicelib.database.products import RADIO, TV, agree, backend_of, fill_pool, sql, store_at
from tests.fixtures.wire import Proxy


def test_a_primary_that_refuses_writes_reads_over_the_same_connections(database_url: str) -> None:
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


def test_refused_writes_do_not_fill_the_log(database_url: str, caplog: pytest.LogCaptureFixture) -> None:
    name = database_url.rpartition("/")[2]
    sql(database_url, f"ALTER DATABASE {name} SET default_transaction_read_only = on")
    with closing(store_at(database_url)) as store, caplog.at_level(logging.WARNING, "shop"):
        for _ in range(50):
            with pytest.raises(DatabaseUnavailableError):
                store.create(TV)
    (line,) = caplog.messages
    assert "PostgreSQL is used, but refuses" in line


@pytest.fixture
def demoted(proxy: Proxy) -> Proxy:
    """A proxy behind which the server says that it is a standby, when it is asked."""
    row = b"D\x00\x00\x00\x0b\x00\x01\x00\x00\x00\x01"
    proxy.rewrite_answers = lambda data: data.replace(row + b"f", row + b"t")
    return proxy


def test_the_connections_to_a_server_that_was_demoted_are_replaced(database_url: str, demoted: Proxy) -> None:
    name = database_url.rpartition("/")[2]
    sql(database_url, f"ALTER DATABASE {name} SET default_transaction_read_only = on")
    with closing(store_at(demoted.in_front_of(database_url))) as store:
        fill_pool(store)
        sql(database_url.replace(name, "postgres"), f"ALTER DATABASE {name} RESET default_transaction_read_only")
        assert store.create(TV) is None, "it was tried again on a new connection"
        assert demoted.connections == 5 + 1
        fill_pool(store)
        assert demoted.connections == 5 + 5, "the others of that generation are not used again"


def test_a_new_connection_to_a_server_that_was_demoted_is_an_outage(database_url: str, demoted: Proxy) -> None:
    name = database_url.rpartition("/")[2]
    sql(database_url, f"ALTER DATABASE {name} SET default_transaction_read_only = on")
    with closing(store_at(demoted.in_front_of(database_url))) as store:
        with pytest.raises(DatabaseAwayError, match="25006"):
            store.create(TV)
        assert not store.pool.is_any_open


@pytest.mark.parametrize("state", ["53100", "53200", "53400"])
def test_a_full_server_refuses_writes_only(database_url: str, state: str) -> None:
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
