"""waitress' loop does not wake for responses that a thread sends, and a response leaves in one piece."""

import socket
from contextlib import closing
from types import SimpleNamespace
from typing import Any, cast

import pytest
from waitress import wasyncore

from fargate.servers.waitress_channel import Channel
from fargate.servers.waitress_server import SEND_BYTES, WaitressServer
from local.ports import LOOPBACK
from tests.fixtures.servers import serving


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


def test_the_loop_is_woken_once_until_it_looks(monkeypatch: pytest.MonkeyPatch) -> None:
    pulls: list[int] = []
    server = cast(Any, WaitressServer.__new__(WaitressServer))
    server.trigger = SimpleNamespace(pull_trigger=lambda: pulls.append(1))
    server._map, server._is_woken = {}, False
    server.pull_trigger()
    server.pull_trigger()
    assert len(pulls) == 1
    monkeypatch.setattr(wasyncore, "loop", lambda **_: server.pull_trigger())  # a thread ends its request meanwhile
    server._turn(0)
    assert len(pulls) == 2


def test_head_and_body_arrive_in_one_piece() -> None:
    with serving({}, "tests.apps.echo:app") as server:
        with closing(socket.create_connection((LOOPBACK, server.port), timeout=30)) as connection:
            for _ in range(50):
                connection.sendall(b"GET /livez HTTP/1.1\r\nHost: x\r\n\r\n")
                assert connection.recv(65536).endswith(b"}")
