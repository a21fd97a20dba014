"""A response leaves uvicorn in one piece where it can, and never in two because of what a header holds."""

import asyncio
import logging
from typing import Any, cast

import pytest
from uvicorn.protocols.http.flow_control import FlowControl
from uvicorn.protocols.http.httptools_impl import RequestResponseCycle

from fargate.servers.uvicorn_protocol import respond

HEADERS = [(b"content-type", b"text/plain"), (b"content-length", b"4")]
WHOLE = b"HTTP/1.1 200 OK\r\nserver: ours\r\ncontent-type: text/plain\r\ncontent-length: 4\r\n\r\nbody"


class Wire:
    """A transport that takes note of what it is told to send, call by call."""

    def __init__(self) -> None:
        self.sent: list[bytes] = []
        self.is_closed = False

    def writelines(self, pieces: Any) -> None:
        self.sent.append(b"".join(pieces))

    def close(self) -> None:
        self.is_closed = True

    def pause_reading(self) -> None: ...

    def resume_reading(self) -> None: ...


class Exchange:
    """A request under uvicorn whose response is due."""

    def __init__(self, *, keep_alive: bool = True) -> None:
        self.wire = Wire()
        self.completed = 0
        self.flow = FlowControl(cast(Any, self.wire))
        self.cycle = RequestResponseCycle(
            scope=cast(Any, {"type": "http", "method": "GET", "http_version": "1.1"}),
            transport=cast(Any, self.wire),
            flow=self.flow,
            logger=logging.getLogger("uvicorn"),
            access_logger=logging.getLogger("uvicorn"),
            access_log=False,
            default_headers=[(b"server", b"ours")],
            message_event=asyncio.Event(),
            expect_100_continue=False,
            keep_alive=keep_alive,
            on_response=self._complete,
        )

    def _complete(self) -> None:
        self.completed += 1

    def respond(self, headers: list[tuple[bytes, bytes]] = HEADERS) -> bool:
        return respond(self.cycle.send, 200, headers, b"body")


def test_head_and_body_leave_in_one_call() -> None:
    exchange = Exchange()
    assert exchange.respond()
    assert exchange.wire.sent == [WHOLE]
    assert (exchange.completed, exchange.cycle.response_complete, exchange.wire.is_closed) == (1, True, False)


@pytest.mark.parametrize("says_so", [True, False])
def test_a_connection_that_ends_says_so_and_is_closed(says_so: bool) -> None:
    exchange = Exchange(keep_alive=says_so)
    assert exchange.respond([*HEADERS, (b"connection", b"close")] if says_so else HEADERS)
    assert exchange.wire.sent == [WHOLE.replace(b"\r\n\r\n", b"\r\nconnection: close\r\n\r\n")]
    assert exchange.wire.is_closed


def test_whoever_is_slow_to_read_is_waited_for_in_asgis_way() -> None:
    exchange = Exchange()
    exchange.flow.pause_writing()
    assert not exchange.respond()
    assert exchange.wire.sent == []


def test_nothing_is_sent_to_whoever_has_gone() -> None:
    exchange = Exchange()
    exchange.cycle.disconnected = True
    assert exchange.respond()
    assert exchange.wire.sent == []


def test_a_response_that_has_begun_is_not_begun_again() -> None:
    exchange = Exchange()
    assert exchange.respond()
    assert not exchange.respond()
    assert exchange.wire.sent == [WHOLE]


@pytest.mark.parametrize("evil", [(b"a", b"b\r\nc: d"), (b"a\r\nb", b"c"), (b"a", b"b\nc")])
def test_a_header_that_would_break_it_in_two_is_an_error(evil: tuple[bytes, bytes]) -> None:
    exchange = Exchange()
    with pytest.raises(RuntimeError):
        exchange.respond([*HEADERS, evil])
    assert exchange.wire.sent == []


def test_another_servers_send_is_left_alone() -> None:
    async def send(message: object) -> None: ...

    assert not respond(send, 200, HEADERS, b"body")
