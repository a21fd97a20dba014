"""The store's promises: exact values, atomic writes, serialized writers, few round trips."""

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from decimal import Decimal

import pytest
from pg8000 import native

from chalicelib.database.store import PostgresStore
from chalicelib.errors import PreconditionFailedError
from chalicelib.product import Product
from local.waiting import wait_until
from tests.chalicelib.database.products import (
    KETTLE,
    RADIO,
    TV,
    Paused,
    agree,
    backend_of,
    session,
    store_at,
    trips,
    waiting,
)
from tests.fixtures.wire import Proxy


class TestValues:
    """A product is returned exactly as it was stored."""

    @pytest.mark.parametrize("price", ["0", "0.01", "140", "19.9", "19.99", "99999999.99"])
    def test_a_price_is_returned_exactly(self, store: PostgresStore, price: str) -> None:
        store.create(Product(1, "TV", Decimal(price)))
        assert store.read(1) == Product(1, "TV", Decimal(price))

    @pytest.mark.parametrize(
        "name",
        ["x", "x" * 100, "📺" * 100, "שלום עולם", "a\u0301", "'; DROP TABLE products; --", '"\\:id $1 %s', "\n\t "],
    )
    def test_a_name_is_returned_exactly(self, store: PostgresStore, name: str) -> None:
        store.create(Product(1, name, Decimal(1)))
        assert store.read(1) == Product(1, name, Decimal(1))

    @pytest.mark.parametrize("product_id", [1, 2_147_483_647])
    def test_the_smallest_and_the_largest_id_can_be_stored(self, store: PostgresStore, product_id: int) -> None:
        store.create(Product(product_id, "TV", Decimal(1)))
        assert store.read(product_id) == Product(product_id, "TV", Decimal(1))

    def test_a_missing_product_is_none(self, store: PostgresStore) -> None:
        assert store.read(1) is None

    def test_pages_are_in_the_order_of_ids(self, store: PostgresStore) -> None:
        for product_id in (5, 1, 9, 3):
            store.create(Product(product_id, "TV", Decimal(1)))
        assert [product.id for product in store.page(0, 3)] == [1, 3, 5]
        assert [product.id for product in store.page(5, 3)] == [9]
        assert store.page(9, 3) == []

    def test_a_value_that_the_table_refuses_is_no_outage(self, store: PostgresStore) -> None:
        with pytest.raises(native.DatabaseError, match="products_valid_name"):
            store.create(Product(1, "", Decimal(1)))
        assert store.read(1) is None
        assert store.pool.checkedin() == 1


class TestWrites:
    """A write is atomic, and returns what it found."""

    def test_creating_stores_the_product_if_its_id_is_free(self, store: PostgresStore) -> None:
        assert store.create(TV) is None
        assert store.read(1) == TV

    def test_creating_under_a_used_id_changes_nothing_and_returns_the_stored_product(
        self, store: PostgresStore
    ) -> None:
        store.create(TV)
        assert store.create(RADIO) == TV
        assert store.read(1) == TV

    def test_replacing_and_removing_return_whether_there_was_a_product(self, store: PostgresStore) -> None:
        assert not store.replace(TV)
        assert not store.remove(1)
        assert store.read(1) is None
        store.create(TV)
        assert store.replace(RADIO)
        assert store.read(1) == RADIO
        assert store.remove(1)
        assert store.read(1) is None

    def test_a_conditional_write_passes_the_stored_product_to_the_check(self, store: PostgresStore) -> None:
        seen: list[Product] = []
        assert not store.replace_if(TV, seen.append)
        assert not store.remove_if(1, seen.append)
        assert seen == []
        store.create(TV)
        assert store.replace_if(RADIO, seen.append)
        assert store.read(1) == RADIO
        assert store.remove_if(1, seen.append)
        assert seen == [TV, RADIO]
        assert store.read(1) is None

    @pytest.mark.parametrize("error", [PreconditionFailedError("changed"), OSError("disk"), KeyboardInterrupt()])
    @pytest.mark.parametrize("write", ["replace_if", "remove_if"])
    def test_an_exception_in_the_check_rolls_the_write_back(
        self, store: PostgresStore, write: str, error: BaseException
    ) -> None:
        store.create(TV)
        backend = backend_of(store)

        def refuse(stored: Product) -> None:
            raise error

        with pytest.raises(type(error)) as raised:
            store.replace_if(RADIO, refuse) if write == "replace_if" else store.remove_if(1, refuse)
        assert raised.value is error
        assert store.read(1) == TV
        assert store.replace(KETTLE), "the row is free again"
        assert backend_of(store) == backend, "the connection was kept"


class TestWritersTakeTurns:
    """Writers of one product wait for its row; each sees what the one before it committed."""

    @pytest.mark.parametrize("is_undone", [False, True])
    def test_a_replacement_waits_for_the_row(self, store: PostgresStore, is_undone: bool) -> None:
        store.create(TV)
        seen: list[Product] = []
        with Paused(lambda pause: store.replace_if(RADIO, pause)) as first, ThreadPoolExecutor() as threads:
            second = threads.submit(store.replace_if, KETTLE, seen.append)
            assert wait_until(lambda: waiting(store), 5)
            assert seen == []
            first.fail() if is_undone else first.go_on()
            assert second.result()
        assert seen == [TV if is_undone else RADIO]
        assert store.read(1) == KETTLE

    @pytest.mark.parametrize("is_undone", [False, True])
    def test_a_removal_waits_for_the_row(self, store: PostgresStore, is_undone: bool) -> None:
        store.create(TV)
        seen: list[Product] = []
        with Paused(lambda pause: store.replace_if(RADIO, pause)) as first, ThreadPoolExecutor() as threads:
            second = threads.submit(store.remove_if, 1, seen.append)
            assert wait_until(lambda: waiting(store), 5)
            assert seen == []
            first.fail() if is_undone else first.go_on()
            assert second.result()
        assert seen == [TV if is_undone else RADIO]
        assert store.read(1) is None

    @pytest.mark.parametrize("write", ["replace", "replace_if", "remove", "remove_if", "create"])
    def test_a_write_after_a_removal_finds_nothing(self, products_url: str, store: PostgresStore, write: str) -> None:
        store.create(TV)
        change: Callable[[], object] = {
            "replace": lambda: store.replace(KETTLE),
            "replace_if": lambda: store.replace_if(KETTLE, agree),
            "remove": lambda: store.remove(1),
            "remove_if": lambda: store.remove_if(1, agree),
            "create": lambda: store.create(KETTLE),
        }[write]
        with session(products_url) as other, ThreadPoolExecutor() as threads:
            other.run("BEGIN")
            other.run("DELETE FROM products WHERE id = 1")
            second = threads.submit(change)
            assert wait_until(lambda: waiting(store), 5)
            other.run("COMMIT")
            assert not second.result()
        assert store.read(1) == (KETTLE if write == "create" else None)

    @pytest.mark.parametrize("end", ["COMMIT", "ROLLBACK"])
    def test_a_creation_after_another_finds_that_product(
        self, products_url: str, store: PostgresStore, end: str
    ) -> None:
        with session(products_url) as other, ThreadPoolExecutor() as threads:
            other.run("BEGIN")
            other.run("INSERT INTO products (id, name, price) VALUES (1, 'Radio', 19.99)")
            second = threads.submit(store.create, KETTLE)
            assert wait_until(lambda: waiting(store), 5)
            other.run(end)
            assert second.result() == (RADIO if end == "COMMIT" else None)
        assert store.read(1) == (RADIO if end == "COMMIT" else KETTLE)

    def test_of_many_simultaneous_creations_exactly_one_succeeds(self, products_url: str) -> None:
        writers, rounds = 6, 40
        barrier = threading.Barrier(writers)
        with closing(store_at(products_url, writers)) as store, ThreadPoolExecutor(writers) as threads:

            def create(writer: int) -> list[Product | None]:
                met = []
                for product_id in range(1, rounds + 1):
                    barrier.wait()
                    met.append(store.create(Product(product_id, f"by {writer}", Decimal(writer))))
                return met

            for outcome in zip(*threads.map(create, range(writers)), strict=True):
                assert outcome.count(None) == 1
                assert len(set(outcome)) == 2, "all other writers receive the one product that was stored"

    def test_each_of_many_simultaneous_conditional_writes_sees_the_one_before_it(self, products_url: str) -> None:
        writers, writes = 6, 60
        chain: list[tuple[Product, Product]] = []  # of each write: the product before and after
        with closing(store_at(products_url, writers)) as store, ThreadPoolExecutor(writers) as threads:
            store.create(TV)

            def write(seed: int) -> None:
                for number in range(writes):
                    new = Product(1, f"{seed}/{number}", Decimal(number))
                    assert store.replace_if(new, lambda stored, new=new: chain.append((stored, new)))

            for done in [threads.submit(write, seed) for seed in range(writers)]:
                done.result()
            last = store.read(1)
        before = TV
        for stored, after in chain:
            assert stored == before
            before = after
        assert last == before


class TestRoundTrips:
    """Round trips, counted by a proxy, on an open connection."""

    def test_a_read_takes_one(self, far_store: PostgresStore, proxy: Proxy) -> None:
        assert trips(proxy, lambda: far_store.read(1)) == 1

    def test_a_page_takes_one(self, far_store: PostgresStore, proxy: Proxy) -> None:
        far_store.page(0, 10)
        assert trips(proxy, lambda: far_store.page(0, 10)) == 1

    def test_a_write_takes_one(self, far_store: PostgresStore, proxy: Proxy) -> None:
        self._prepare(far_store)
        assert trips(proxy, lambda: far_store.create(TV)) == 1
        assert trips(proxy, lambda: far_store.create(TV)) == 1
        assert trips(proxy, lambda: far_store.replace(RADIO)) == 1
        assert trips(proxy, lambda: far_store.remove(1)) == 1

    def test_a_conditional_write_takes_three(self, far_store: PostgresStore, proxy: Proxy) -> None:
        far_store.create(TV)
        far_store.replace_if(TV, agree)
        assert trips(proxy, lambda: far_store.replace_if(RADIO, agree)) == 3
        far_store.remove_if(1, agree)
        far_store.create(TV)
        assert trips(proxy, lambda: far_store.remove_if(1, agree)) == 3

    def test_preparing_a_statement_takes_one_more_once_per_connection(
        self, far_store: PostgresStore, proxy: Proxy
    ) -> None:
        assert trips(proxy, lambda: far_store.page(0, 10)) == 2
        assert trips(proxy, lambda: far_store.page(0, 10)) == 1

    def test_logging_in_takes_three_and_the_first_connection_one_more(self, products_url: str, proxy: Proxy) -> None:
        """One for the startup message and two for SCRAM; the first one asks whether there is a pooler."""
        with closing(store_at(proxy.in_front_of(products_url))) as store:
            assert trips(proxy, lambda: store.read(1)) == 3 + 1 + 2
            proxy.cut()
            assert trips(proxy, lambda: store.read(1)) == 3 + 2

    def _prepare(self, store: PostgresStore) -> None:
        store.create(TV)
        store.replace(TV)
        store.remove(1)
