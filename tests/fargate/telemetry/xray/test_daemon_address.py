"""The daemon's name is looked up in the background; while it has no address, segments are dropped."""

import socket
import threading
from collections.abc import Iterator, Sequence

import pytest

from fargate.errors import ConfigurationError
from fargate.settings import read_settings
from fargate.telemetry.xray.daemon_address import REFRESH_SECONDS, RETRY_SECONDS, DaemonAddress, UdpAddress
from fargate.telemetry.xray.emitter import Emitter
from fargate.telemetry.xray.entities import Segment
from local.waiting import wait_until
from tests.fixtures.clock import Clock

FIRST, SECOND = UdpAddress(socket.AF_INET, ("10.0.0.1", 2000)), UdpAddress(socket.AF_INET, ("10.0.0.2", 2000))
IPV6 = UdpAddress(socket.AF_INET6, ("::1", 2000, 0, 0))


class Resolver:
    """Answers lookups as a test says; while `may_answer` is cleared, not at all."""

    def __init__(self) -> None:
        self.answer: Sequence[UdpAddress] | OSError = [FIRST]
        self.may_answer = threading.Event()
        self.may_answer.set()
        self.asked = 0

    def look_up(self, host: str, port: int) -> Sequence[UdpAddress]:
        self.asked += 1
        assert self.may_answer.wait(60)
        if isinstance(self.answer, OSError):
            raise self.answer
        return self.answer


@pytest.fixture
def resolver() -> Iterator[Resolver]:
    resolver = Resolver()
    yield resolver
    resolver.may_answer.set()


def becomes(daemon: DaemonAddress, expected: UdpAddress) -> bool:
    return wait_until(lambda: daemon.current() == expected, 10)


def test_while_no_name_server_answers_there_is_no_address_and_one_lookup(resolver: Resolver) -> None:
    resolver.may_answer.clear()
    daemon = DaemonAddress("collector", 2000, resolver.look_up)
    assert {daemon.current() for _ in range(10)} == {None}
    resolver.may_answer.set()
    assert becomes(daemon, FIRST)
    assert resolver.asked == 1


def test_a_name_that_fails_is_looked_up_again(resolver: Resolver, caplog: pytest.LogCaptureFixture) -> None:
    clock = Clock()
    resolver.answer = socket.gaierror(socket.EAI_NONAME, "no such name")
    daemon = DaemonAddress("collector", 2000, resolver.look_up, clock)
    assert wait_until(lambda: "collector has no address: segments are dropped" in caplog.text, 10)
    resolver.answer = [FIRST]
    assert daemon.current() is None, "not before its time"
    clock.now += RETRY_SECONDS
    assert becomes(daemon, FIRST)


def test_a_name_that_gets_another_address_is_followed(resolver: Resolver) -> None:
    clock = Clock()
    daemon = DaemonAddress("collector", 2000, resolver.look_up, clock)
    assert becomes(daemon, FIRST)
    resolver.answer = [SECOND]
    clock.now += REFRESH_SECONDS
    assert becomes(daemon, SECOND)


def test_a_later_failure_takes_no_address_away(resolver: Resolver, caplog: pytest.LogCaptureFixture) -> None:
    clock = Clock()
    daemon = DaemonAddress("collector", 2000, resolver.look_up, clock)
    assert becomes(daemon, FIRST)
    resolver.answer = socket.gaierror(socket.EAI_AGAIN, "try again")
    clock.now += REFRESH_SECONDS
    assert wait_until(lambda: daemon.current() == FIRST and "segments go to its last address" in caplog.text, 10)


def test_ipv4_goes_before_ipv6_as_the_daemon_listens_on_it(resolver: Resolver) -> None:
    resolver.answer = [IPV6, FIRST]
    assert becomes(DaemonAddress("localhost", 2000, resolver.look_up), FIRST)


def test_an_ip_address_is_not_looked_up(resolver: Resolver) -> None:
    assert DaemonAddress("127.0.0.1", 2000, resolver.look_up).current() == UdpAddress(
        socket.AF_INET, ("127.0.0.1", 2000)
    )
    assert resolver.asked == 0


def test_segments_reach_a_daemon_that_has_only_an_ipv6_address(resolver: Resolver) -> None:
    with socket.socket(socket.AF_INET6, socket.SOCK_DGRAM) as listener:
        listener.bind(("::1", 0))
        listener.settimeout(0.1)
        resolver.answer = [UdpAddress(socket.AF_INET6, listener.getsockname())]
        emitter = Emitter("collector:2000", resolver.look_up)
        segment = Segment("shop", "1-5759e988-bd862e3fe1be46a994272793", None, sampled=True)

        def arrives() -> bool:
            emitter.send_entity(segment)
            try:
                return b"1-5759e988" in listener.recv(65_536)
            except TimeoutError:
                return False

        assert wait_until(arrives, 10)
        emitter._sockets[socket.AF_INET6].close()


@pytest.mark.parametrize("address", ["127.0.0.1:65536", "127.0.0.1:0", "tcp:a:1 udp:a:99999"])
def test_a_port_that_is_none_stops_the_start(address: str) -> None:
    with pytest.raises(ConfigurationError, match="AWS_XRAY_DAEMON_ADDRESS"):
        read_settings({"AWS_XRAY_DAEMON_ADDRESS": address})
