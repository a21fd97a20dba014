"""waitress' loop looks only at connections that need it, and a response leaves in one piece."""

import contextlib
import errno
import math
import os
import resource
import select
import socket
import time
from collections.abc import Iterator
from contextlib import closing
from types import SimpleNamespace
from typing import Any, cast

import pytest
from chalice.app import Chalice

from fargate.lifecycle import Lifecycle
from fargate.servers.drain import Drain
from fargate.servers.limits import SPARE_DESCRIPTORS
from fargate.servers.listening import listen
from fargate.servers.waitress_channel import Channel
from fargate.servers.waitress_loop import PolledMap
from fargate.servers.waitress_server import ACCEPTS_A_TURN, SEND_BYTES, WaitressServer
from fargate.settings import Settings
from fargate.wsgi import create_wsgi_app
from local.ports import LOOPBACK
from tests.fixtures.servers import serving

pytestmark = pytest.mark.filterwarnings("ignore:send_bytes")  # waitress has said so for years


def channel(**state: Any) -> Channel:
    """Return a channel in a given state."""
    made = Channel.__new__(Channel)
    adjustments = SimpleNamespace(send_bytes=SEND_BYTES, outbuf_high_watermark=2**24)
    usual = {"requests": [], "total_outbufs_len": 0, "will_close": False, "close_when_flushed": False}
    vars(made).update({**usual, "adj": adjustments, **state})
    return made


@pytest.mark.parametrize(
    ("state", "writes"),
    [
        ({}, False),
        ({"total_outbufs_len": 100}, True),
        ({"requests": ["served by a thread"], "total_outbufs_len": 100}, False),
        ({"requests": ["served by a thread"], "total_outbufs_len": SEND_BYTES}, True),
        ({"requests": ["served by a thread"], "total_outbufs_len": 100, "will_close": True}, True),
    ],
)
def test_a_response_that_a_thread_will_send_does_not_wake_the_loop(state: dict[str, Any], writes: bool) -> None:
    assert channel(**state).writable() is writes


def test_the_loop_is_woken_once_until_it_looks() -> None:
    pulls: list[int] = []
    server = cast(Any, WaitressServer.__new__(WaitressServer))
    server.trigger = SimpleNamespace(pull_trigger=lambda: pulls.append(1))
    server._is_woken, server._swept_at = False, math.inf
    server._map = SimpleNamespace(turn=lambda _: server.pull_trigger())  # a thread ends its request meanwhile
    server.pull_trigger()
    server.pull_trigger()
    assert len(pulls) == 1
    server._turn(0)
    assert len(pulls) == 2


class Polled:
    """One end of a connection in the loop; counts how often the loop asks it."""

    def __init__(self, polled: PolledMap) -> None:
        self.asked = self.read = 0
        self.reads = self.is_settled = True
        self.accepting = False
        self.mine, self.other = socket.socketpair()
        polled[self.mine.fileno()] = self

    def readable(self) -> bool:
        self.asked += 1
        return self.reads

    def writable(self) -> bool:
        return False

    def handle_read_event(self) -> None:
        self.read += 1
        self.mine.recv(10)

    def handle_close(self) -> None:
        """No-op: the test closes it."""

    def close(self) -> None:
        self.mine.close()
        self.other.close()


@pytest.fixture(params=["epoll", "poll"])
def polled(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> PolledMap:
    if request.param == "poll":
        monkeypatch.delattr(select, "epoll")  # as on macOS
    return PolledMap()


def test_a_turn_asks_only_connections_with_an_event(polled: PolledMap) -> None:
    with contextlib.ExitStack() as stack:
        crowd = [stack.enter_context(closing(Polled(polled))) for _ in range(200)]
        crowd[7].other.send(b"x")
        polled.turn(10)
        polled.turn(0)
        assert [each.asked for each in crowd] == [0] * 7 + [1] + [0] * 192
        assert crowd[7].read == 1


def test_an_event_that_is_not_wanted_waits_without_a_spin(polled: PolledMap) -> None:
    with closing(Polled(polled)) as each:
        each.reads = each.is_settled = False  # a thread serves its request
        each.other.close()
        polled.turn(10)
        begun = time.monotonic()
        polled.turn(0.05)
        assert time.monotonic() - begun >= 0.04, "the event came again"
        assert each.read == 0
        each.reads = each.is_settled = True  # the thread is done, and has woken the loop
        polled.turn(10)
        assert each.read == 1


def test_a_closed_connection_is_forgotten(polled: PolledMap) -> None:
    with closing(Polled(polled)) as each:
        each.is_settled = False
        each.other.send(b"x")
        descriptor = each.mine.fileno()
        polled.watch(descriptor)
        del polled[descriptor]
        polled.watch(descriptor)
        polled.turn(0)
        assert each.asked == 0


@contextlib.contextmanager
def crowded(**settings: int) -> Iterator[tuple[WaitressServer, list[socket.socket]]]:
    """Yield a server that has not looked at the 100 connections that wait for it."""
    with listen(LOOPBACK, 0) as listener, contextlib.ExitStack() as stack:
        chosen = Settings(**settings)  # type: ignore[arg-type]
        drain = Drain(listener, chosen, Lifecycle())
        server = WaitressServer(create_wsgi_app(Chalice("x"), chosen), listener, chosen, drain)
        crowd = [stack.enter_context(connected(listener)) for _ in range(100)]
        yield server, crowd
        for channel in list(server.active_channels.values()):
            channel.handle_close()
        server.trigger.close()


def connected(listener: socket.socket) -> socket.socket:
    return socket.create_connection(listener.getsockname(), timeout=30)


def test_connections_that_wait_are_accepted_many_at_a_time() -> None:
    with crowded() as (server, crowd):
        server._turn(10)
        server._turn(10)
        assert len(server.active_channels) == len(crowd)


def test_urgent_data_makes_no_log_lines(caplog: pytest.LogCaptureFixture) -> None:
    with crowded() as (server, crowd):
        server._turn(10)
        crowd[0].send(b"x", socket.MSG_OOB)
        for _ in range(5):
            server._turn(0.01)
    assert caplog.records == []


def test_beyond_the_limit_each_new_connection_closes_an_idle_one_that_was_looked_at() -> None:
    with crowded(connection_limit=10) as (server, crowd):
        server._turn(10)
        assert len(server.active_channels) == 10
        assert select.select(crowd[:10], [], [], 0)[0] == [], "one was closed before it was looked at"
        for _ in range(9):
            server._turn(10)
            assert len(server.active_channels) == 10
        assert all(each.recv(1) == b"" for each in crowd[:90])
        crowd[95].sendall(b"GET /livez HTTP/1.1\r\nHost: x\r\n\r\n")
        server._turn(10)
        assert crowd[95].recv(12) == b"HTTP/1.1 200"


def test_without_a_file_descriptor_room_is_made_and_said_once(caplog: pytest.LogCaptureFixture) -> None:
    with crowded() as (server, _), contextlib.ExitStack() as stack:
        server._turn(10)
        exhaust_descriptors(stack, max(server.active_channels))
        for _ in range(30):
            server._turn(0.01)
        assert len(server.active_channels) == ACCEPTS_A_TURN - SPARE_DESCRIPTORS
    said = [record.getMessage() for record in caplog.records if record.name == "fargate"]
    assert said == ["No file descriptor is left for new connections: 56 are kept at the most"]


def exhaust_descriptors(stack: contextlib.ExitStack, highest: int) -> None:
    """Leave this process no file descriptor, until the stack ends; those up to `highest` can be used again."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    stack.callback(resource.setrlimit, resource.RLIMIT_NOFILE, (soft, hard))
    while (filler := os.dup(0)) < highest:
        stack.callback(os.close, filler)
    os.close(filler)
    resource.setrlimit(resource.RLIMIT_NOFILE, (highest + 1, hard))


def test_without_a_file_descriptor_and_without_an_idle_connection_it_waits() -> None:
    with crowded() as (server, _), pytest.MonkeyPatch.context() as patched:
        tried: list[int] = []

        def accept() -> None:
            tried.append(1)
            raise OSError(errno.EMFILE, "Too many open files")

        patched.setattr(server, "accept", accept)
        for _ in range(20):
            server._turn(0)
        assert len(tried) == 1


def test_a_clock_that_steps_back_does_not_prolong_a_drain(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    with crowded(drain_seconds=5) as (server, _):
        server._turn(10)
        hour_ago = time.time() - 3600
        monkeypatch.setattr(time, "time", lambda: hour_ago)
        server._finish()
        assert not server.active_channels
    assert "still running" not in caplog.text


def test_head_and_body_arrive_in_one_piece() -> None:
    with serving({}, "tests.apps.echo:app") as server:
        with closing(socket.create_connection((LOOPBACK, server.port), timeout=30)) as connection:
            for _ in range(50):
                connection.sendall(b"GET /livez HTTP/1.1\r\nHost: x\r\n\r\n")
                assert connection.recv(65536).endswith(b"}")
