"""If the database or the network fails, operations fail in bounded time, and dead connections are replaced."""

import logging
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from decimal import Decimal

import pytest

from chalicelib.database.pool import Timeouts
from chalicelib.database.session import DatabaseAwayError
from chalicelib.database.start_check import NotMigratedError
from chalicelib.database.store import PostgresStore
from chalicelib.errors import DatabaseUnavailableError
from chalicelib.ports import Check
from chalicelib.product import Product
from chalicelib.stores.circuit_breaker import FAILURES_TO_OPEN
from chalicelib.stores.credentials import Credentials, FixedCredentials
from local.waiting import wait_until
from tests.chalicelib.database.products import (
    KETTLE,
    RADIO,
    TV,
    Paused,
    agree,
    backend_of,
    fill_pool,
    sql,
    store_at,
    trips,
)
from tests.fixtures.stores import OwnPostgres
from tests.fixtures.wire import Proxy, proxied

STANDBY_STATUS = (
    b"S\x00\x00\x00\x17in_hot_standby\x00off\x00",
    b"S\x00\x00\x00\x16in_hot_standby\x00on\x00",
)
"""What a primary says with the login, and what a standby says."""

STANDBY_ROW = (b"D\x00\x00\x00\x0b\x00\x01\x00\x00\x00\x01f", b"D\x00\x00\x00\x0b\x00\x01\x00\x00\x00\x01t")
"""A row of one boolean, false and true."""

END_SECONDS = 6.0
"""No operation takes longer: the limits of its steps end it within 3 s, and the rest is for a machine that is busy."""


@contextmanager
def ending() -> Iterator[None]:
    """Assert that the block ends by its limits. A bound on a wait, not a speed."""
    began = time.monotonic()
    yield
    assert time.monotonic() - began < END_SECONDS


class TestOutages:
    """A database that cannot answer is a DatabaseUnavailableError, soon, and until it answers again."""

    def test_a_refused_connection_is_an_outage_with_its_cause(self, own_postgres: OwnPostgres) -> None:
        url = own_postgres.address.url
        own_postgres.stop()
        with closing(store_at(url)) as store, ending(), pytest.raises(DatabaseUnavailableError) as raised:
            store.read(1)
        assert isinstance(raised.value.__cause__, ConnectionRefusedError)

    def test_a_stopped_database_is_an_outage_until_it_is_back(
        self, own_store: PostgresStore, own_postgres: OwnPostgres
    ) -> None:
        own_store.create(TV)
        own_postgres.stop()
        for attempt in (lambda: own_store.read(1), lambda: own_store.page(0, 1), lambda: own_store.remove(1)):
            with ending(), pytest.raises(DatabaseUnavailableError):
                attempt()
        own_postgres.start()
        assert wait_until(lambda: answers(own_store), 10), "it is used again by itself"
        assert own_store.read(1) == TV

    def test_a_restart_while_idle_fails_no_operation(self, own_store: PostgresStore, own_postgres: OwnPostgres) -> None:
        own_store.create(TV)
        fill_pool(own_store)
        own_postgres.kill()
        own_postgres.start()
        for _ in range(10):
            assert own_store.read(1) == TV
        assert own_store.replace(RADIO)

    def test_a_frozen_database_is_an_outage_within_three_seconds(
        self, own_store: PostgresStore, own_postgres: OwnPostgres
    ) -> None:
        own_store.create(TV)
        fill_pool(own_store)
        own_postgres.freeze()
        with ThreadPoolExecutor(16) as threads:
            requests = [threads.submit(timed, lambda: own_store.read(1)) for _ in range(8)]
            requests += [threads.submit(timed, lambda: own_store.replace(RADIO)) for _ in range(8)]
        for request in requests:
            error, seconds = request.result()
            assert isinstance(error, DatabaseUnavailableError)
            assert seconds < END_SECONDS
        own_postgres.thaw()
        assert wait_until(lambda: answers(own_store), 10), "it is used again by itself"
        assert own_store.read(1) in (TV, RADIO)

    def test_a_database_that_is_known_to_be_frozen_is_not_asked(
        self, own_store: PostgresStore, own_postgres: OwnPostgres
    ) -> None:
        own_store.create(TV)
        own_postgres.freeze()
        errors = [timed(lambda: own_store.read(1)) for _ in range(10)]
        assert str(errors[-1][0]) == "PostgreSQL is away"
        assert errors[-1][1] < errors[0][1]
        own_postgres.thaw()

    def test_an_answer_between_failures_keeps_the_circuit_closed(self, store: PostgresStore) -> None:
        for _ in range(2):
            for _ in range(2):
                store.breaker.record_failure(DatabaseAwayError("away"))
            store.read(1)
        assert not store.breaker.is_open

    def test_no_free_connection_in_time_is_an_outage(self, products_url: str) -> None:
        with closing(store_at(products_url, pool_size=1)) as store:
            store.create(TV)
            with Paused(lambda pause: store.replace_if(RADIO, pause)) as writer:
                with ending(), pytest.raises(DatabaseUnavailableError, match="no connection was free"):
                    store.read(1)
                writer.go_on()
            assert store.read(1) == RADIO

    def test_a_row_that_stays_locked_is_an_outage_and_the_connection_is_kept(self, store: PostgresStore) -> None:
        store.create(TV)
        fill_pool(store)
        with Paused(lambda pause: store.replace_if(RADIO, pause)) as writer:
            with ending(), pytest.raises(DatabaseUnavailableError, match="55P03"):
                store.replace(KETTLE)
            assert store.pool.checkedin() == 4
            writer.go_on()
        assert store.read(1) == RADIO

    def test_a_transaction_that_takes_too_long_is_rolled_back(self, products_url: str) -> None:
        with closing(store_at(products_url, timeouts=Timeouts(answer=0.2))) as store:
            store.create(TV)
            with pytest.raises(DatabaseUnavailableError, match="took longer"):
                store.replace_if(RADIO, lambda stored: time.sleep(0.3))
            assert store.read(1) == TV

    def test_an_abandoned_transaction_releases_its_row(self, products_url: str) -> None:
        timeouts = Timeouts(answer=5, lock=4, abandoned=0.2)
        with closing(store_at(products_url, timeouts=timeouts)) as store:
            store.create(TV)
            with Paused(lambda pause: store.replace_if(RADIO, pause)) as frozen:
                assert store.replace(KETTLE), "it waited 0.2 s for the row"
                frozen.go_on(DatabaseUnavailableError)
            assert store.read(1) == KETTLE

    def test_too_many_connections_are_an_outage(self, products_url: str, proxy: Proxy) -> None:
        sql(products_url, "CREATE ROLE crowded LOGIN PASSWORD 'secret' CONNECTION LIMIT 0")
        try:
            with (
                closing(
                    store_at(products_url, credentials=FixedCredentials(Credentials("crowded", "secret")))
                ) as store,
                pytest.raises(DatabaseUnavailableError, match="53300"),
            ):
                store.read(1)
        finally:
            sql(products_url, "DROP ROLE crowded")

    def test_a_wrong_password_is_an_outage(self, products_url: str) -> None:
        wrong = FixedCredentials(Credentials("postgres", "wrong"))
        with (
            closing(store_at(products_url, credentials=wrong)) as store,
            pytest.raises(DatabaseUnavailableError, match="28P01"),
        ):
            store.read(1)

    def test_a_missing_table_opens_no_circuit(self, empty_database_url: str) -> None:
        with closing(store_at(empty_database_url)) as store:
            for _ in range(FAILURES_TO_OPEN):
                with pytest.raises(NotMigratedError, match=r"42P01.*python -m chalicelib.migrate"):
                    store.read(1)
            assert not store.breaker.is_open

    def test_a_closed_store_waits_for_no_migration(self, empty_database_url: str) -> None:
        before = set(threading.enumerate())
        with closing(store_at(empty_database_url)) as store, pytest.raises(NotMigratedError):
            store.read(1)
        for each in set(threading.enumerate()) - before:
            each.join(60)
            assert not each.is_alive()

    def test_a_standby_is_an_outage(self, products_url: str, proxy: Proxy) -> None:
        proxy.rewrite_answers = lambda data: data.replace(*STANDBY_STATUS).replace(*STANDBY_ROW)
        with closing(store_at(proxy.in_front_of(products_url))) as store:
            with pytest.raises(DatabaseUnavailableError, match="standby"):
                store.read(1)
            proxy.rewrite_answers = lambda data: data
            assert store.read(1) is None

    def test_a_pooler_that_took_the_server_for_a_standby_is_not_believed(self, products_url: str, proxy: Proxy) -> None:
        proxy.rewrite_answers = lambda data: data.replace(*STANDBY_STATUS)
        with closing(store_at(proxy.in_front_of(products_url))) as store:
            assert store.read(1) is None


class TestDeadConnections:
    """A dead connection is replaced. Its operation is retried only if that is safe."""

    def test_a_connection_that_dies_while_idle_is_replaced_before_it_is_used(
        self, far_store: PostgresStore, proxy: Proxy, caplog: pytest.LogCaptureFixture
    ) -> None:
        proxy.cut()
        with caplog.at_level(logging.INFO, "chalicelib"):
            assert trips(proxy, lambda: far_store.read(1)) == 3 + 2
        assert caplog.records == [], "no second attempt was needed"
        assert far_store.pool.checkedin() == 1

    def test_a_connection_killed_by_the_server_is_replaced_at_once(
        self, store: PostgresStore, products_url: str
    ) -> None:
        fill_pool(store)
        sql(
            products_url,
            "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity"
            " WHERE datname = current_database() AND pid <> pg_backend_pid()",
        )
        for _ in range(10):
            assert store.create(TV) in (None, TV)

    def test_a_healthy_idle_connection_is_kept(self, store: PostgresStore) -> None:
        store.read(1)
        backend = backend_of(store)
        time.sleep(0.05)
        store.create(TV)
        assert backend_of(store) == backend

    def test_a_read_on_a_connection_that_turns_out_dead_is_retried_once(
        self, far_store: PostgresStore, proxy: Proxy
    ) -> None:
        proxy.cut_requests_with = b""
        assert far_store.read(1) is None
        assert proxy.connections == 2

    def test_a_read_is_not_tried_a_third_time(self, far_store: PostgresStore, proxy: Proxy) -> None:
        proxy.rewrite_answers = cut_at_once
        with pytest.raises(DatabaseUnavailableError):
            far_store.read(1)
        assert proxy.connections == 2

    def test_a_read_is_not_retried_if_that_would_take_too_long(self, far_store: PostgresStore, proxy: Proxy) -> None:
        proxy.rewrite_answers = lambda data: b""
        threading.Timer(0.4, proxy.cut).start()
        with pytest.raises(DatabaseUnavailableError):
            far_store.read(1)
        assert proxy.connections == 1

    def test_a_conditional_write_whose_connection_turns_out_dead_is_retried(
        self, far_store: PostgresStore, proxy: Proxy
    ) -> None:
        far_store.create(TV)
        proxy.cut_requests_with = b"BEGIN"
        assert far_store.replace_if(RADIO, agree)
        assert far_store.read(1) == RADIO
        proxy.cut_requests_with = b"BEGIN"
        assert far_store.remove_if(1, agree)
        assert far_store.read(1) is None

    def test_a_conditional_write_that_is_cut_off_in_its_statement_is_retried(
        self, far_store: PostgresStore, proxy: Proxy
    ) -> None:
        far_store.create(TV)
        far_store.replace_if(TV, agree)
        proxy.cut_answers_to = b"Radio"
        calls: list[Product] = []
        assert far_store.replace_if(RADIO, calls.append)
        assert calls == [TV], "called once: in the attempt whose statement was answered"
        assert far_store.read(1) == RADIO

    def test_a_conditional_write_that_is_cut_off_after_its_statement_is_not_retried_and_stores_nothing(
        self, far_store: PostgresStore, proxy: Proxy
    ) -> None:
        far_store.create(TV)
        calls: list[Product] = []

        def check(stored: Product) -> None:
            calls.append(stored)
            proxy.cut()

        with pytest.raises(DatabaseUnavailableError):
            far_store.replace_if(RADIO, check)
        assert calls == [TV]
        assert far_store.read(1) == TV

    @pytest.mark.parametrize("delivered", [True, False])
    @pytest.mark.parametrize(
        ("write", "written"),
        [
            (lambda store, check: store.replace_if(RADIO, check), RADIO),
            (lambda store, check: store.remove_if(1, check), None),
        ],
        ids=["replacement", "removal"],
    )
    def test_a_commit_whose_answer_is_lost_is_not_acknowledged(
        self,
        far_store: PostgresStore,
        proxy: Proxy,
        delivered: bool,
        write: Callable[[PostgresStore, Check], bool],
        written: Product | None,
    ) -> None:
        far_store.create(TV)
        if delivered:
            proxy.cut_answers_to = b"COMMIT\x00"
        else:
            proxy.cut_requests_with = b"COMMIT\x00"
        calls: list[Product] = []
        with pytest.raises(DatabaseUnavailableError):
            write(far_store, calls.append)
        assert calls == [TV], "the write was not retried"
        assert wait_until(lambda: (far_store.read(1) == written) is delivered, 5)

    @pytest.mark.parametrize("delivered", [True, False])
    def test_a_replacement_whose_answer_is_lost_is_retried_as_it_is_idempotent(
        self, far_store: PostgresStore, proxy: Proxy, delivered: bool
    ) -> None:
        far_store.create(KETTLE)
        far_store.replace(TV)
        if delivered:
            proxy.cut_answers_to = b"Radio"
        else:
            proxy.cut_requests_with = b"Radio"
        assert far_store.replace(RADIO)
        assert far_store.read(1) == RADIO

    @pytest.mark.parametrize(
        ("event", "change", "write"),
        [
            ("UPDATE", "DELETE FROM products", lambda store: store.replace(RADIO)),
            ("INSERT", "UPDATE products SET name = 'another'", lambda store: store.create(RADIO)),
        ],
        ids=["a replacement, then removed", "a creation, then replaced"],
    )
    def test_a_write_whose_answer_is_lost_and_that_another_has_changed_is_not_called_refused(
        self, database_url: str, event: str, change: str, write: Callable[[PostgresStore], object]
    ) -> None:
        """It happened. The trigger stands for another writer, between the two tries."""
        with proxied(database_url) as proxy, closing(store_at(proxy.in_front_of(database_url))) as store:
            store.create(KETTLE)
            store.replace(TV)
            if event == "UPDATE":
                store.create(TV)
            sql(
                database_url,
                "CREATE FUNCTION change() RETURNS trigger LANGUAGE plpgsql AS"
                f" $$ BEGIN {change} WHERE id = NEW.id; RETURN NULL; END $$",
            )
            sql(database_url, f"CREATE TRIGGER change AFTER {event} ON products FOR EACH ROW EXECUTE FUNCTION change()")
            proxy.cut_answers_to = b"Radio"
            with pytest.raises(DatabaseUnavailableError, match="may have been written"):
                write(store)

    def test_a_creation_whose_answer_is_lost_finds_its_own_product(
        self, far_store: PostgresStore, proxy: Proxy
    ) -> None:
        far_store.create(KETTLE)
        far_store.remove(1)
        proxy.cut_answers_to = b"Samsung TV"
        assert far_store.create(TV) == TV

    def test_a_removal_whose_answer_is_lost_is_not_retried_as_it_would_find_nothing(
        self, far_store: PostgresStore, proxy: Proxy
    ) -> None:
        far_store.create(TV)
        far_store.remove(1)
        far_store.create(TV)
        before = proxy.connections
        proxy.rewrite_answers = cut_at_once
        with pytest.raises(DatabaseUnavailableError):
            far_store.remove(1)
        proxy.rewrite_answers = lambda data: data
        assert proxy.connections == before, "it was not sent over another connection"
        assert wait_until(lambda: far_store.read(1) is None, 5)

    def test_a_removal_that_the_server_has_refused_on_an_old_connection_is_retried(self, database_url: str) -> None:
        name = database_url.rpartition("/")[2]
        with closing(store_at(database_url)) as store:
            store.create(TV)
        sql(database_url, f"ALTER DATABASE {name} SET default_transaction_read_only = on")
        with closing(store_at(database_url)) as store:
            store.read(1)  # opens a connection that stays read-only, as to a server that was demoted
            sql(database_url.replace(name, "postgres"), f"ALTER DATABASE {name} RESET default_transaction_read_only")
            assert store.remove(1)

    def test_a_connection_that_failed_is_never_lent_again(self, far_store: PostgresStore, proxy: Proxy) -> None:
        backend = backend_of(far_store)
        proxy.cut_answers_to = b"Samsung TV"
        far_store.create(TV)
        assert backend_of(far_store) != backend

    def test_a_connection_with_a_malformed_answer_is_never_lent_again(
        self, far_store: PostgresStore, proxy: Proxy
    ) -> None:
        backend = backend_of(far_store)
        proxy.rewrite_answers = lambda data: b"?\x00\x00\x00\x04"
        with pytest.raises(KeyError):
            far_store.read(1)
        proxy.rewrite_answers = lambda data: data
        assert backend_of(far_store) != backend

    def test_one_dead_connection_retires_all_of_its_generation(self, far_store: PostgresStore, proxy: Proxy) -> None:
        fill_pool(far_store)
        proxy.connections = 0
        proxy.cut_requests_with = b""
        far_store.read(1)
        fill_pool(far_store)
        assert proxy.connections == 5

    def test_a_column_that_changes_its_type_fails_no_read(self, database_url: str) -> None:
        with closing(store_at(database_url)) as store:
            store.create(TV)
            store.read(1)
            sql(database_url, "ALTER TABLE products ALTER name TYPE TEXT")
            assert store.read(1) == TV


class TestThreads:
    """Many threads share one store."""

    def test_no_thread_receives_another_threads_answer(self, products_url: str) -> None:
        with closing(store_at(products_url)) as store, ThreadPoolExecutor(16) as threads:

            def work(product_id: int) -> None:
                store.create(Product(product_id, "new", Decimal(0)))
                for number in range(60):
                    product = Product(product_id, f"{product_id}/{number}", Decimal(number))
                    assert store.replace(product)
                    assert store.read(product_id) == product

            for done in [threads.submit(work, product_id) for product_id in range(1, 17)]:
                done.result()
            assert store.pool.checkedout() == 0
            assert store.pool.checkedin() <= 5

    def test_every_thread_gets_its_turn(self, products_url: str) -> None:
        """Of four times as many busy threads as connections, each is served about as often as the others."""
        with closing(store_at(products_url, 2)) as store, ThreadPoolExecutor(8) as threads:
            until = time.monotonic() + 1

            def read_on(_: int) -> int:
                reads = 0
                while time.monotonic() < until:
                    store.read(1)
                    reads += 1
                return reads

            reads = list(threads.map(read_on, range(8)))
        assert min(reads) > max(reads) / 3

    def test_closing_leaves_no_connection(self, products_url: str) -> None:
        store = store_at(products_url)
        fill_pool(store)
        store.close()
        count = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()"
        assert wait_until(lambda: sql(products_url, count) == [[1]], 5)


def cut_at_once(data: bytes) -> bytes:
    raise ConnectionAbortedError


def timed(action: Callable[[], object]) -> tuple[BaseException | None, float]:
    began = time.monotonic()
    try:
        action()
    except DatabaseUnavailableError as error:
        return error, time.monotonic() - began
    return None, time.monotonic() - began


def answers(store: PostgresStore) -> bool:
    """Return whether the database answers."""
    try:
        store.read(1)
    except DatabaseUnavailableError:
        return False
    return True
