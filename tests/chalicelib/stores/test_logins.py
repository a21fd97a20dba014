"""A store that refuses credentials gets them again after pauses that grow, and newer ones at once."""

from collections.abc import Callable

import pytest

from chalicelib.stores.credentials import Credentials
from chalicelib.stores.logins import Logins
from tests.chalicelib.rotating_secret import RotatingSecret
from tests.fixtures.clock import Clock


class RefusedError(Exception):
    """The store refuses the credentials."""


class Store:
    """A store with a password. It records when a login failed."""

    def __init__(self, clock: Clock, password: str) -> None:
        self.clock = clock
        self.password = password
        self.failed: list[float] = []

    def log_in(self, credentials: Credentials) -> str:
        if credentials.password != self.password:
            self.failed.append(self.clock.now)
            raise RefusedError("wrong password")
        return "connection"


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def store(clock: Clock) -> Store:
    return Store(clock, "new")


@pytest.fixture
def secret() -> RotatingSecret:
    return RotatingSecret("shop", "old")


@pytest.fixture
def connect(clock: Clock, store: Store, secret: RotatingSecret) -> Callable[[], str]:
    logins = Logins("Store", secret, RefusedError, clock=clock)
    return lambda: logins.connect(store.log_in, 0)


def connect_for(connect: Callable[[], str], clock: Clock, seconds: int) -> None:
    """Try ten times a second; each try is refused."""
    for _ in range(10 * seconds):
        with pytest.raises(RefusedError, match="wrong password"):
            connect()
        clock.now = round(clock.now + 0.1, 1)


def test_refused_credentials_are_tried_again_less_and_less_often(
    connect: Callable[[], str], clock: Clock, store: Store
) -> None:
    began = clock.now
    connect_for(connect, clock, 20)
    assert [round(at - began) for at in store.failed] == [0, 1, 3, 7, 12, 17]


def test_newer_credentials_are_tried_at_once(
    connect: Callable[[], str], clock: Clock, store: Store, secret: RotatingSecret
) -> None:
    connect_for(connect, clock, 2)
    tried = len(store.failed)
    secret.rotate("new")
    assert connect() == "connection"
    assert len(store.failed) == tried


def test_newer_credentials_that_are_refused_too_begin_anew(
    connect: Callable[[], str], clock: Clock, store: Store, secret: RotatingSecret
) -> None:
    connect_for(connect, clock, 10)
    tried, began = len(store.failed), clock.now
    secret.rotate("newer, but wrong")
    connect_for(connect, clock, 4)
    assert [round(at - began) for at in store.failed[tried:]] == [0, 1, 3]


def test_credentials_that_work_again_are_used_again(connect: Callable[[], str], clock: Clock, store: Store) -> None:
    connect_for(connect, clock, 1)
    store.password = "old"
    assert connect() == "connection"
    store.password = "new"
    connect_for(connect, clock, 1)
    assert len(store.failed) == 2, "at the first login, and at the first after the one that worked"


def test_of_tokens_one_a_second_is_tried(clock: Clock, store: Store) -> None:
    class Tokens:
        signed = 0

        def current(self, seconds: float = 0) -> Credentials:
            self.signed += 1
            return Credentials("shop", f"token {self.signed}")

        def refresh(self, refused: Credentials, seconds: float = 0) -> Credentials:
            return refused

    logins = Logins("Store", Tokens(), RefusedError, clock=clock)
    connect_for(lambda: logins.connect(store.log_in, 0), clock, 5)
    assert len(store.failed) == 5
    store.password = "token 6"
    assert logins.connect(store.log_in, 0) == "connection"
