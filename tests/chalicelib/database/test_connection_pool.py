"""Each open connection is lent to one borrower or idle; the one that was returned last is lent first."""

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest

from chalicelib.database.connection_pool import ConnectionPool
from local.waiting import wait_until


class Connection:
    """A connection that is only open or closed, lent or not."""

    def __init__(self) -> None:
        self.is_usable = True
        self.is_open = True
        self.is_lent = False

    def close(self) -> None:
        assert self.is_open, "closed twice"
        self.is_open = False


class Opened(list[Connection]):
    """Opens connections, and keeps a list of them."""

    def open(self) -> Connection:
        self.append(Connection())
        return self[-1]


@pytest.fixture
def opened() -> Opened:
    return Opened()


@pytest.fixture
def pool(opened: Opened) -> ConnectionPool[Connection]:
    return ConnectionPool(opened.open, lambda connection: connection.is_usable, 5)


def figures(pool: ConnectionPool[Connection]) -> tuple[int, int, int]:
    return pool.checkedout(), pool.checkedin(), pool.size()


def test_no_connection_is_opened_before_it_is_needed(pool: ConnectionPool[Connection], opened: Opened) -> None:
    assert (opened, figures(pool)) == ([], (0, 0, 5))


def test_the_connection_that_was_returned_last_is_lent_first(pool: ConnectionPool[Connection], opened: Opened) -> None:
    first, second = pool.checkout(), pool.checkout()
    assert figures(pool) == (2, 0, 5)
    pool.checkin(first)
    pool.checkin(second)
    assert figures(pool) == (0, 2, 5)
    assert [pool.checkout(), pool.checkout()] == [second, first]
    assert opened == [first, second]


def test_an_unusable_connection_is_closed_and_replaced(pool: ConnectionPool[Connection], opened: Opened) -> None:
    dead = pool.checkout()
    pool.checkin(dead)
    dead.is_usable = False
    assert pool.checkout() is opened[1]
    assert not dead.is_open
    assert figures(pool) == (1, 0, 5)


def test_a_discarded_connection_is_closed_and_not_lent_again(pool: ConnectionPool[Connection], opened: Opened) -> None:
    spoiled = pool.checkout()
    pool.discard(spoiled)
    assert (spoiled.is_open, figures(pool)) == (False, (0, 0, 5))
    assert pool.checkout() is not spoiled


def test_a_connection_that_could_not_be_opened_is_not_counted() -> None:
    def refuse() -> Connection:
        raise ConnectionRefusedError

    pool = ConnectionPool(refuse, lambda connection: True, 5)
    with pytest.raises(ConnectionRefusedError):
        pool.checkout()
    assert figures(pool) == (0, 0, 5)


def test_closing_closes_idle_connections_now_and_lent_ones_when_they_are_returned(
    pool: ConnectionPool[Connection], opened: Opened
) -> None:
    lent, idle = pool.checkout(), pool.checkout()
    pool.checkin(idle)
    pool.close()
    assert (idle.is_open, lent.is_open) == (False, True)
    pool.checkin(lent)
    assert (lent.is_open, figures(pool)) == (False, (0, 0, 5))


def test_no_connection_is_lent_to_two_threads_and_none_is_lost(
    pool: ConnectionPool[Connection], opened: Opened
) -> None:
    begin = threading.Barrier(5)

    def borrow(number: int) -> None:
        begin.wait(5)
        for turn in range(2000):
            connection = pool.checkout()
            assert not connection.is_lent
            connection.is_lent = True
            connection.is_lent = False
            end: Callable[[Connection], None] = pool.discard if (number + turn) % 7 == 0 else pool.checkin
            end(connection)

    with ThreadPoolExecutor(5) as threads:
        for done in [threads.submit(borrow, number) for number in range(5)]:
            done.result()
    assert pool.checkedout() == 0
    assert [connection.is_open for connection in opened].count(True) == pool.checkedin() <= 5


class RefusedError(Exception):
    """No connection can be opened."""


class Limited(Opened):
    """Opens connections up to a limit, and counts the refusals."""

    limit = 1
    refusals = 0

    def open(self) -> Connection:
        if len(self) >= self.limit:
            self.refusals += 1
            raise RefusedError
        return super().open()


@pytest.fixture
def limited() -> Limited:
    return Limited()


@pytest.fixture
def limited_pool(limited: Limited) -> ConnectionPool[Connection]:
    return ConnectionPool(limited.open, lambda connection: connection.is_usable, 5, (RefusedError,))


class TestWhereNoneCanBeOpened:
    """A borrower waits for a connection that is open, as long as there is one and it has time."""

    def test_it_gets_the_connection_that_another_borrower_returns(
        self, limited_pool: ConnectionPool[Connection], limited: Limited
    ) -> None:
        lent = limited_pool.checkout()
        with ThreadPoolExecutor(1) as threads:
            borrowed = threads.submit(limited_pool.checkout, 10)
            assert wait_until(lambda: limited.refusals > 0, 10)
            limited_pool.checkin(lent)
            assert borrowed.result(10) is lent
        assert figures(limited_pool) == (1, 0, 5)

    def test_four_borrowers_share_one_connection(
        self, limited_pool: ConnectionPool[Connection], limited: Limited
    ) -> None:
        def borrow(_: int) -> None:
            for _ in range(50):
                connection = limited_pool.checkout(10)
                assert not connection.is_lent
                connection.is_lent = True
                connection.is_lent = False
                limited_pool.checkin(connection)

        with ThreadPoolExecutor(4) as threads:
            list(threads.map(borrow, range(4)))
        assert figures(limited_pool) == (0, 1, 5)
        assert limited_pool.is_any_open

    def test_a_returned_connection_that_is_not_usable_is_closed_and_not_lent(
        self, limited_pool: ConnectionPool[Connection], limited: Limited
    ) -> None:
        lent = limited_pool.checkout()
        with ThreadPoolExecutor(1) as threads:
            borrowed = threads.submit(limited_pool.checkout, 10)
            assert wait_until(lambda: limited.refusals > 0, 10)
            lent.is_usable, limited.limit = False, 2
            limited_pool.checkin(lent)
            assert borrowed.result(10) is limited[1]
        assert not lent.is_open

    def test_it_tries_again_to_open_one(self, limited_pool: ConnectionPool[Connection], limited: Limited) -> None:
        limited_pool.checkout()
        with ThreadPoolExecutor(1) as threads:
            borrowed = threads.submit(limited_pool.checkout, 10)
            assert wait_until(lambda: limited.refusals > 0, 10)
            limited.limit = 2
            assert borrowed.result(10) is limited[1]

    def test_it_does_not_wait_longer_than_it_may(self, limited_pool: ConnectionPool[Connection]) -> None:
        limited_pool.checkout()
        with pytest.raises(RefusedError):
            limited_pool.checkout(0.05)
        assert figures(limited_pool) == (1, 0, 5)

    def test_it_does_not_wait_where_none_is_open(
        self, limited_pool: ConnectionPool[Connection], limited: Limited
    ) -> None:
        limited_pool.discard(limited_pool.checkout())
        with pytest.raises(RefusedError):
            limited_pool.checkout(1000)
        assert (limited.refusals, limited_pool.is_any_open) == (1, False)

    def test_where_the_last_open_one_closes_meanwhile_it_tries_once_more(self, opened: Opened) -> None:
        refusals: list[int] = []

        def open_or_lose() -> Connection:
            if opened and not refusals:
                refusals.append(1)
                pool.discard(opened[0])
                raise RefusedError
            return opened.open()

        pool = ConnectionPool(open_or_lose, lambda connection: connection.is_usable, 5, (RefusedError,))
        pool.checkout()
        assert pool.checkout(10) is opened[1]
        assert figures(pool) == (1, 0, 5)
