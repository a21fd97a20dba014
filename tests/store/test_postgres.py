"""What the catalog may rely on: exact values, whole writes, writers in turns, few round trips."""

import random
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from decimal import Decimal

import pytest
from pg8000 import native

from chalicelib.errors import CacheUnavailableError
from chalicelib.postgres import PostgresStore
from chalicelib.product import Product
from tests.store.products import KETTLE, RADIO, TV, Halted, backend_of, nothing, store_at, trips, wait_until, waiting
from tests.store.wire import Proxy

Chain = list[tuple[Product | None, Product | None]]  # of each write: what it found, what it left


def create_in_chain(store: PostgresStore, new: Product, chain: Chain) -> None:
    store.create(new, lambda stored: chain.append((stored, stored or new)))


def replace_in_chain(store: PostgresStore, new: Product, chain: Chain) -> None:
    store.replace(new, lambda stored: chain.append((stored, new)))


def remove_in_chain(store: PostgresStore, new: Product, chain: Chain) -> None:
    store.remove(new.id, lambda stored: chain.append((stored, None)))


class TestValues:
    """What is stored is what comes back, to the last digit and character."""

    @pytest.mark.parametrize("price", ["0", "0.01", "140", "19.9", "19.99", "99999999.99"])
    def test_a_price_comes_back_exactly(self, store: PostgresStore, price: str) -> None:
        store.create(Product(1, "TV", Decimal(price)), nothing)
        assert store.read(1) == Product(1, "TV", Decimal(price))

    @pytest.mark.parametrize(
        "name",
        ["x", "x" * 100, "📺" * 100, "שלום עולם", "a\u0301", "'; DROP TABLE products; --", '"\\:id $1 %s', "\n\t "],
    )
    def test_a_name_comes_back_character_for_character(self, store: PostgresStore, name: str) -> None:
        store.create(Product(1, name, Decimal(1)), nothing)
        assert store.read(1) == Product(1, name, Decimal(1))

    @pytest.mark.parametrize("product_id", [1, 2_147_483_647])
    def test_every_id_of_the_contract_fits(self, store: PostgresStore, product_id: int) -> None:
        store.create(Product(product_id, "TV", Decimal(1)), nothing)
        assert store.read(product_id) == Product(product_id, "TV", Decimal(1))

    def test_what_is_not_there_reads_as_none(self, store: PostgresStore) -> None:
        assert store.read(1) is None

    def test_pages_follow_the_ids(self, store: PostgresStore) -> None:
        for product_id in (5, 1, 9, 3):
            store.create(Product(product_id, "TV", Decimal(1)), nothing)
        assert [product.id for product in store.page(0, 3)] == [1, 3, 5]
        assert [product.id for product in store.page(5, 3)] == [9]
        assert store.page(9, 3) == []

    def test_a_value_that_the_table_refuses_is_no_outage(self, store: PostgresStore) -> None:
        with pytest.raises(native.DatabaseError, match="products_valid_name"):
            store.create(Product(1, "", Decimal(1)), nothing)
        assert store.read(1) is None
        assert store.pool.checkedin() == 1


class TestWrites:
    """A write happens whole or not at all, and shows what stood there before."""

    def test_creating_stores_the_product_and_says_that_the_id_was_free(self, store: PostgresStore) -> None:
        seen: list[Product | None] = []
        assert store.create(TV, seen.append)
        assert seen == [None]
        assert store.read(1) == TV

    def test_creating_where_a_product_stands_changes_nothing_and_shows_it(self, store: PostgresStore) -> None:
        store.create(TV, nothing)
        seen: list[Product | None] = []
        assert not store.create(RADIO, seen.append)
        assert seen == [TV]
        assert store.read(1) == TV

    def test_replacing_shows_what_stood_there(self, store: PostgresStore) -> None:
        store.create(TV, nothing)
        seen: list[Product | None] = []
        assert store.replace(RADIO, seen.append)
        assert seen == [TV]
        assert store.read(1) == RADIO

    def test_removing_shows_what_stood_there(self, store: PostgresStore) -> None:
        store.create(TV, nothing)
        seen: list[Product | None] = []
        assert store.remove(1, seen.append)
        assert seen == [TV]
        assert store.read(1) is None

    def test_replacing_and_removing_nothing_does_nothing(self, store: PostgresStore) -> None:
        seen: list[Product | None] = []
        assert not store.replace(TV, seen.append)
        assert not store.remove(1, seen.append)
        assert seen == []
        assert store.read(1) is None

    @pytest.mark.parametrize("error", [CacheUnavailableError("away"), OSError("disk"), KeyboardInterrupt()])
    @pytest.mark.parametrize("write", ["create", "create_again", "replace", "remove"])
    def test_what_before_commit_raises_undoes_the_write(
        self, store: PostgresStore, write: str, error: BaseException
    ) -> None:
        if write != "create":
            store.create(TV, nothing)
        before, backend = store.read(1), backend_of(store)

        def refuse(stored: Product | None) -> None:
            raise error

        writes: dict[str, Callable[[], bool]] = {
            "create": lambda: store.create(TV, refuse),
            "create_again": lambda: store.create(RADIO, refuse),
            "replace": lambda: store.replace(RADIO, refuse),
            "remove": lambda: store.remove(1, refuse),
        }
        with pytest.raises(type(error)) as raised:
            writes[write]()
        assert raised.value is error
        assert store.read(1) == before
        assert store.create(RADIO, nothing) is (write == "create"), "the row is free again"
        assert backend_of(store) == backend, "the connection was kept"


class TestWritersTakeTurns:
    """Writers of one product queue for its row; each sees what the one before it committed."""

    def test_the_row_stays_locked_until_the_first_writer_has_committed(self, store: PostgresStore) -> None:
        store.create(TV, nothing)
        seen: list[Product | None] = []
        with Halted(lambda pause: store.replace(RADIO, pause)) as first, ThreadPoolExecutor() as threads:
            second = threads.submit(store.replace, KETTLE, seen.append)
            wait_until(lambda: waiting(store))
            assert seen == []
            first.go_on()
            assert second.result()
        assert seen == [RADIO], "the second writer sees what the first one committed"
        assert store.read(1) == KETTLE

    def test_a_writer_behind_one_that_fails_sees_what_was_there_before(self, store: PostgresStore) -> None:
        store.create(TV, nothing)
        seen: list[Product | None] = []
        with Halted(lambda pause: store.replace(RADIO, pause)) as first, ThreadPoolExecutor() as threads:
            second = threads.submit(store.replace, KETTLE, seen.append)
            wait_until(lambda: waiting(store))
            first.fail()
            assert second.result()
        assert seen == [TV]

    @pytest.mark.parametrize("write", ["replace", "remove"])
    def test_a_change_behind_a_removal_finds_nothing(self, store: PostgresStore, write: str) -> None:
        store.create(TV, nothing)
        seen: list[Product | None] = []
        change: Callable[[], bool] = {
            "replace": lambda: store.replace(KETTLE, seen.append),
            "remove": lambda: store.remove(1, seen.append),
        }[write]
        with Halted(lambda pause: store.remove(1, pause)) as first, ThreadPoolExecutor() as threads:
            second = threads.submit(change)
            wait_until(lambda: waiting(store))
            first.go_on()
            assert not second.result()
        assert seen == []

    def test_a_creation_behind_a_removal_finds_the_id_free(self, store: PostgresStore) -> None:
        store.create(TV, nothing)
        seen: list[Product | None] = []
        with Halted(lambda pause: store.remove(1, pause)) as first, ThreadPoolExecutor() as threads:
            second = threads.submit(store.create, KETTLE, seen.append)
            wait_until(lambda: waiting(store))
            first.go_on()
            assert second.result()
        assert seen == [None]
        assert store.read(1) == KETTLE

    def test_a_creation_behind_another_sees_that_product(self, store: PostgresStore) -> None:
        seen: list[Product | None] = []
        with Halted(lambda pause: store.create(RADIO, pause)) as first, ThreadPoolExecutor() as threads:
            second = threads.submit(store.create, KETTLE, seen.append)
            wait_until(lambda: waiting(store))
            first.go_on()
            assert not second.result()
        assert seen == [RADIO]
        assert store.read(1) == RADIO

    def test_a_creation_behind_one_that_fails_finds_the_id_free(self, store: PostgresStore) -> None:
        with Halted(lambda pause: store.create(RADIO, pause)) as first, ThreadPoolExecutor() as threads:
            second = threads.submit(store.create, KETTLE, nothing)
            wait_until(lambda: waiting(store))
            first.fail()
            assert second.result()
        assert store.read(1) == KETTLE

    def test_a_creation_behind_a_replacement_sees_the_new_product(self, store: PostgresStore) -> None:
        store.create(TV, nothing)
        seen: list[Product | None] = []
        with Halted(lambda pause: store.replace(RADIO, pause)) as first, ThreadPoolExecutor() as threads:
            second = threads.submit(store.create, KETTLE, seen.append)
            wait_until(lambda: waiting(store))
            first.go_on()
            assert not second.result()
        assert seen == [RADIO]

    def test_of_many_creations_at_once_exactly_one_finds_the_id_free(self, products_url: str) -> None:
        writers, rounds = 6, 40
        barrier = threading.Barrier(writers)
        with closing(store_at(products_url, writers)) as store, ThreadPoolExecutor(writers) as threads:

            def create(writer: int) -> list[tuple[bool, Product | None]]:
                results = []
                for product_id in range(1, rounds + 1):
                    seen: list[Product | None] = []
                    barrier.wait()
                    free = store.create(Product(product_id, f"by {writer}", Decimal(writer)), seen.append)
                    results.append((free, seen[-1]))
                return results

            for outcome in zip(*threads.map(create, range(writers)), strict=True):
                winners = [product for free, product in outcome if free]
                losers = {product for free, product in outcome if not free}
                assert winners == [None]
                assert len(losers) == 1, "every other writer is shown the one product that won"
                assert losers != {None}

    def test_every_write_sees_exactly_what_the_write_before_it_left(self, products_url: str) -> None:
        """Random writes of one product from many threads form one chain, in the order in which they held the row."""
        writers, writes = 6, 120
        kinds = (create_in_chain, replace_in_chain, remove_in_chain)
        chain: Chain = []
        with closing(store_at(products_url, writers)) as store, ThreadPoolExecutor(writers) as threads:

            def write(seed: int) -> None:
                dice = random.Random(seed)
                for number in range(writes):
                    new = Product(1, f"{seed}/{number}", Decimal(number))
                    dice.choice(kinds)(store, new, chain)

            for done in [threads.submit(write, seed) for seed in range(writers)]:
                done.result()
            last = store.read(1)
        assert len(chain) > writers * writes / 2
        before = None
        for stored, after in chain:
            assert stored == before
            before = after
        assert last == before


class TestRoundTrips:
    """Few round trips: counted on the wire, on a connection that is already open."""

    def test_a_read_takes_one(self, far_store: PostgresStore, proxy: Proxy) -> None:
        assert trips(proxy, lambda: far_store.read(1)) == 1

    def test_a_page_takes_one(self, far_store: PostgresStore, proxy: Proxy) -> None:
        far_store.page(0, 10)
        assert trips(proxy, lambda: far_store.page(0, 10)) == 1

    def test_a_write_takes_three(self, far_store: PostgresStore, proxy: Proxy) -> None:
        self._prepare(far_store)
        assert trips(proxy, lambda: far_store.create(TV, nothing)) == 3
        assert trips(proxy, lambda: far_store.create(TV, nothing)) == 3
        assert trips(proxy, lambda: far_store.replace(RADIO, nothing)) == 3
        assert trips(proxy, lambda: far_store.remove(1, nothing)) == 3

    def test_preparing_a_statement_takes_one_more_once_a_connection(
        self, far_store: PostgresStore, proxy: Proxy
    ) -> None:
        assert trips(proxy, lambda: far_store.page(0, 10)) == 2
        assert trips(proxy, lambda: far_store.page(0, 10)) == 1

    def test_logging_in_takes_three(self, products_url: str, proxy: Proxy) -> None:
        """The start-up message and SCRAM's two; after that, nothing is asked about the server."""
        with closing(store_at(proxy.in_front_of(products_url))) as store:
            assert trips(proxy, lambda: store.read(1)) == 3 + 2

    def _prepare(self, store: PostgresStore) -> None:
        store.create(TV, nothing)
        store.replace(TV, nothing)
        store.remove(1, nothing)
