"""Behind a real PgBouncer, in session and in transaction mode, the store keeps every promise in as many round trips."""

import logging
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from typing import cast

import pytest

from chalicelib.database.pool import Timeouts, server_limits
from chalicelib.database.pooler import PooledConnection
from chalicelib.database.session import DatabaseAwayError
from chalicelib.database.store import PostgresStore
from chalicelib.errors import DatabaseUnavailableError, PreconditionFailedError
from chalicelib.product import Product
from local.waiting import wait_until
from tests.chalicelib.database.poolers.conftest import IGNORED
from tests.chalicelib.database.poolers.pgbouncer import PgBouncer, running_pgbouncer
from tests.chalicelib.database.products import (
    KETTLE,
    RADIO,
    TV,
    Paused,
    agree,
    database_at,
    fill_pool,
    lent,
    session,
    sql,
    store_at,
    trips,
)
from tests.chalicelib.rotating_secret import RotatingSecret
from tests.fixtures.stores import OwnPostgres
from tests.fixtures.wire import Network, Proxy

LIMITS = "SELECT current_setting('statement_timeout'), current_setting('lock_timeout')"


@pytest.fixture
def store(pooled_url: str) -> Iterator[PostgresStore]:
    with closing(store_at(pooled_url, pool_size=2)) as store:
        yield store


@contextmanager
def locked(url: str) -> Iterator[None]:
    """Hold the lock of each product."""
    with session(url) as connection:
        connection.run("BEGIN")
        connection.run("SELECT * FROM products FOR UPDATE")
        yield
        connection.run("ROLLBACK")


def refuse(stored: Product) -> None:
    raise PreconditionFailedError("the product has changed")


def test_all_operations_work_and_their_limits_are_logged_once(
    pooled_url: str, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.INFO, "shop"), closing(store_at(pooled_url, pool_size=2)) as store:
        assert store.create(TV) is None
        assert store.create(RADIO) == TV
        assert store.read(1) == TV
        assert store.replace(RADIO)
        assert store.replace_if(KETTLE, agree)
        with pytest.raises(PreconditionFailedError):
            store.replace_if(TV, refuse)
        assert list(store.page(0, 10)) == [KETTLE]
        assert store.remove(1)
        assert store.read(1) is None
        assert store.start_check() is None
    assert [record.getMessage() for record in caplog.records if "pooler" in record.getMessage()] == [
        "PostgreSQL is behind a pooler: a statement is not prepared, and carries its time limits"
    ]


def test_an_operation_takes_as_many_round_trips_as_without_a_pooler(pooled_url: str, pooler: PgBouncer) -> None:
    with Network() as network:
        proxy: Proxy = network.proxy(pooler.port)
        with closing(store_at(proxy.in_front_of(pooled_url), pool_size=1)) as store:
            store.create(TV)
            assert trips(proxy, lambda: store.read(1)) == 1
            assert trips(proxy, lambda: store.replace(RADIO)) == 1
            assert trips(proxy, lambda: store.replace_if(RADIO, agree)) == 3
            assert trips(proxy, lambda: store.page(0, 10)) == 1


def test_a_statement_that_waits_for_a_lock_ends_at_the_limit(pooled_url: str, module_database_url: str) -> None:
    with closing(store_at(pooled_url, 2, Timeouts(answer=10.0, lock=0.2))) as store:
        store.create(TV)
        with locked(module_database_url):
            for write in (lambda: store.replace(RADIO), lambda: store.replace_if(RADIO, agree)):
                with pytest.raises(DatabaseUnavailableError, match="55P03"):
                    write()
        assert store.replace(RADIO)


def test_the_server_ends_a_long_statement(store: PostgresStore, module_database_url: str) -> None:
    asked = "SELECT count(*) FROM pg_stat_activity WHERE state = 'active' AND query LIKE 'SELECT pg_sleep%'"
    with pytest.raises(DatabaseUnavailableError), store._sessions.session() as session:
        session.run("SELECT pg_sleep(:duration)", duration=30)
    assert wait_until(lambda: sql(module_database_url, asked) == [[0]], 10)


def test_a_transaction_that_stays_idle_ends_at_the_limit(pooled_url: str, module_database_url: str) -> None:
    with closing(store_at(pooled_url, 1, Timeouts(abandoned=0.2))) as store:
        store.create(TV)
        with Paused(lambda pause: store.replace_if(RADIO, pause)) as writer:
            assert sql(module_database_url, "UPDATE products SET price = 1 RETURNING id") == [[1]], "the lock is free"
            writer.go_on(DatabaseUnavailableError)


def test_a_transaction_that_only_began_ends_at_the_limit(pooled_url: str, module_database_url: str) -> None:
    asked = "SELECT count(*) FROM pg_stat_activity WHERE state = 'idle in transaction' AND datname = current_database()"
    with (
        session(module_database_url) as other,
        closing(store_at(pooled_url, 1, Timeouts(abandoned=0.5))) as store,
        suppress(DatabaseUnavailableError),
    ):
        with store._sessions.transaction():
            assert other.run(asked) == [[1]]
            assert wait_until(lambda: other.run(asked) == [[0]], 10)
        pytest.fail("it was committed")


def test_limits_stay_with_the_statement(store: PostgresStore, pooled_url: str) -> None:
    """In transaction mode, another client gets the connection that the statement had."""
    fill_pool(store)
    store.create(TV)
    store.replace_if(RADIO, agree)
    with lent(store) as connection:
        assert connection._driver.run(LIMITS) == [["0", "0"]]
        assert connection.run(f"{LIMITS} WHERE true OR :id", 10, id=True) == [["540ms", "400ms"]]


def test_a_transaction_holds_its_connection_while_others_use_the_pooler(store: PostgresStore, pooled_url: str) -> None:
    store.create(TV)
    with closing(store_at(pooled_url, pool_size=1)) as other, Paused(lambda pause: store.replace_if(RADIO, pause)):
        for _ in range(3):
            assert other.read(1) == TV
    assert store.read(1) == RADIO


def test_a_standby_answers_nothing(store: PostgresStore) -> None:
    """PgBouncer repeats what the server said when it connected, so each statement asks again."""
    store.create(TV)
    with lent(store) as connection:
        pooled = cast("PooledConnection", connection)
        pooled._first = pooled._first.replace("pg_is_in_recovery()", "true")
    with pytest.raises(DatabaseUnavailableError, match="standby"), store._sessions.session() as session:
        session.run("SELECT 1 WHERE :yes", yes=True)
    assert store.read(1) == TV


def test_refused_credentials_are_read_again(shared_pooler: PgBouncer, pooled_url: str) -> None:
    """PgBouncer 1.18 refuses a password with 08P01, where PostgreSQL has 28P01."""
    url = shared_pooler.in_front_of(pooled_url.rpartition("/")[2])
    user = database_at(url)[1]
    secret = RotatingSecret(user.username, "old")
    secret.rotate(str(user.password))
    with closing(store_at(url, credentials=secret)) as store:
        assert store.read(1) is None
    assert secret.refreshed == 1


@pytest.mark.parametrize("parameters", ["", IGNORED], ids=["refused", "ignored"])
def test_limits_of_the_role_are_used_where_the_migration_has_set_them(
    parameters: str, postgres: OwnPostgres, database_url: str
) -> None:
    """RDS Proxy pins a client that sets them itself."""
    name = database_url.rpartition("/")[2]
    with postgres.connected() as server:
        for limit, value in server_limits(Timeouts()).by_name.items():
            server.run(f"ALTER ROLE postgres IN DATABASE {name} SET {limit} = {value}")
    with (
        running_pgbouncer(postgres.address, "pool_mode = transaction", parameters) as pooler,
        closing(store_at(pooler.in_front_of(name))) as store,
        lent(store) as connection,
    ):
        assert cast("PooledConnection", connection)._first == "SELECT pg_is_in_recovery()"
        assert connection.begin_sql == "BEGIN ISOLATION LEVEL READ COMMITTED"
        assert connection._driver.run(LIMITS) == [["540ms", "400ms"]]


def test_a_pooler_that_answers_for_an_absent_server_is_no_answer(
    own_postgres: OwnPostgres, own_database_url: str, caplog: pytest.LogCaptureFixture
) -> None:
    with (
        running_pgbouncer(own_postgres.address, "pool_mode = transaction", "server_login_retry = 0.2") as pooler,
        closing(store_at(pooler.in_front_of("shop"))) as store,
    ):
        store.create(TV)
        own_postgres.kill()
        assert wait_until(lambda: not answers(store) and store.breaker.is_open, 10)
        tries = store.breaker._try_connect
        for _ in range(3):
            with pytest.raises(DatabaseAwayError):
                tries()
        assert store.breaker.is_open
        own_postgres.start()
        assert wait_until(lambda: answers(store), 10)
        assert store.read(1) == TV
    assert [record.getMessage() for record in caplog.records].count("PostgreSQL is back") == 1


def answers(store: PostgresStore) -> bool:
    try:
        store.read(1)
    except DatabaseUnavailableError:
        return False
    return True
