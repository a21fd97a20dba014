"""Looking a name up is within the caller's limit, and a name server that does not answer costs one thread."""

import socket
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor

import pytest

from chalicelib.stores import names
from chalicelib.stores.names import HostName, SocketAddress, addresses_of, connect_to_any, look_up
from local.waiting import wait_until

FIRST, SECOND = SocketAddress(socket.AF_INET, ("10.0.0.1", 6379)), SocketAddress(socket.AF_INET, ("10.0.0.2", 6379))
AGES = 20.0
"""Longer than a test takes, in seconds."""


class Resolver:
    """Answers lookups as a test says; while `may_answer` is cleared, not at all."""

    def __init__(self) -> None:
        self.answer: Sequence[SocketAddress] | OSError = [FIRST]
        self.may_answer = threading.Event()
        self.may_answer.set()
        self.asked = 0

    def look_up(self, host: str, port: int) -> Sequence[SocketAddress]:
        self.asked += 1
        assert self.may_answer.wait(AGES)
        if isinstance(self.answer, OSError):
            raise self.answer
        return self.answer


@pytest.fixture
def resolver() -> Iterator[Resolver]:
    resolver = Resolver()
    yield resolver
    resolver.may_answer.set()


@pytest.fixture
def name(resolver: Resolver) -> HostName:
    return HostName("cache.example", 6379, resolver.look_up)


class TestHostName:
    """The last answer stands in for one that does not come, and for nothing else."""

    def test_each_call_asks_anew(self, name: HostName, resolver: Resolver) -> None:
        assert name.addresses(AGES) == [FIRST]
        resolver.answer = [SECOND]
        assert name.addresses(AGES) == [SECOND]

    def test_without_any_answer_callers_wait_for_their_limit_and_share_one_lookup(
        self, name: HostName, resolver: Resolver
    ) -> None:
        resolver.may_answer.clear()
        with ThreadPoolExecutor(8) as pool:
            waiting = [pool.submit(name.addresses, 0.02) for _ in range(40)]
            for each in waiting:
                with pytest.raises(TimeoutError, match=r"no name server answered within 0.02 s for cache\.example"):
                    each.result()
        assert resolver.asked == 1

    def test_an_answer_that_comes_too_late_is_there_for_the_next(self, name: HostName, resolver: Resolver) -> None:
        resolver.may_answer.clear()
        with pytest.raises(TimeoutError):
            name.addresses(0.01)
        resolver.may_answer.set()
        assert name.addresses(AGES) == [FIRST]

    def test_while_no_answer_comes_the_last_addresses_are_used_and_one_caller_waits(
        self, name: HostName, resolver: Resolver
    ) -> None:
        name.addresses(AGES)
        resolver.may_answer.clear()
        assert name.addresses(0.01) == [FIRST]
        began = time.monotonic()
        assert [name.addresses(AGES) for _ in range(10)] == [[FIRST]] * 10
        assert time.monotonic() - began < names.PART_FOR_LOOKUP * AGES
        assert resolver.asked == 2

    def test_a_name_server_that_fails_is_no_answer(self, name: HostName, resolver: Resolver) -> None:
        name.addresses(AGES)
        resolver.answer = socket.gaierror(socket.EAI_AGAIN, "try again")
        assert name.addresses(AGES) == [FIRST]

    def test_a_name_that_is_gone_has_no_addresses(self, name: HostName, resolver: Resolver) -> None:
        name.addresses(AGES)
        for error in (socket.EAI_NONAME, socket.EAI_AGAIN):  # the second one brings no old address back
            resolver.answer = socket.gaierror(error, "no such name")
            with pytest.raises(socket.gaierror):
                name.addresses(AGES)


@pytest.mark.parametrize("host", ["127.0.0.1", "::1"])
def test_an_ip_address_is_not_looked_up(host: str) -> None:
    known = names.name_of.cache_info().currsize
    assert [each.address[0] for each in addresses_of(host, 6379, 0)] == [host]
    assert names.name_of.cache_info().currsize == known


@pytest.mark.parametrize("host", ["a..example", "a" * 64])
def test_what_no_name_can_be_is_no_host(host: str) -> None:
    with pytest.raises(socket.gaierror):
        look_up(host, 6379)


class TestConnecting:
    """All addresses of a name are tried, within one limit."""

    @pytest.fixture
    def listening(self) -> Iterator[Callable[[int], SocketAddress]]:
        """Make listeners that the kernel accepts so many connections for."""
        listeners: list[socket.socket] = []

        def listen(backlog: int) -> SocketAddress:
            listeners.append(socket.socket())
            listeners[-1].bind(("127.0.0.1", 0))
            listeners[-1].listen(backlog)
            return SocketAddress(socket.AF_INET, listeners[-1].getsockname())

        yield listen
        for listener in listeners:
            listener.close()

    @pytest.fixture
    def silent(self, listening: Callable[[int], SocketAddress]) -> Iterator[SocketAddress]:
        """An address that neither accepts nor refuses: its listener's queue is full."""
        address = listening(0)
        with socket.socket() as waiting:
            waiting.connect(address.address)
            yield address

    def test_the_next_address_is_tried_after_one_that_refuses(self, listening: Callable[[int], SocketAddress]) -> None:
        with socket.socket() as closed:
            closed.bind(("127.0.0.1", 0))
            refusing, accepting = SocketAddress(socket.AF_INET, closed.getsockname()), listening(1)
            with connect_to_any([refusing, accepting], time.monotonic() + AGES) as connected:
                assert connected.getpeername() == accepting.address
            with pytest.raises(ConnectionRefusedError):
                connect_to_any([refusing, refusing], time.monotonic() + AGES)

    def test_the_next_address_is_tried_after_one_that_is_silent(
        self, listening: Callable[[int], SocketAddress], silent: SocketAddress
    ) -> None:
        accepting = listening(1)
        with connect_to_any([silent, accepting], time.monotonic() + 0.4) as connected:
            assert connected.getpeername() == accepting.address

    def test_with_silent_addresses_only_the_limit_ends_it(self, silent: SocketAddress) -> None:
        with pytest.raises(TimeoutError):
            connect_to_any([silent] * 3, time.monotonic() + 0.1)


def test_a_thread_that_looks_up_ends_with_the_answer(resolver: Resolver) -> None:
    HostName("soon.example", 6379, resolver.look_up).addresses(AGES)
    assert wait_until(lambda: "look-up-soon.example" not in [each.name for each in threading.enumerate()], 10)


def test_where_no_thread_can_be_started_the_name_is_not_known_and_the_next_call_tries_again(
    name: HostName, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(thread: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    with monkeypatch.context() as patched:
        patched.setattr(threading.Thread, "start", refuse)
        with pytest.raises(OSError, match="can't start new thread"):
            name.addresses(AGES)
    assert name.addresses(AGES) == [FIRST]
