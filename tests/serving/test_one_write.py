"""A response leaves uvicorn in one piece, head and body, and none of its parts stays behind."""

from typing import Any

import pytest

from fargate.servers.uvicorn_protocol import OneWrite

HEAD = b"HTTP/1.1 200 OK\r\ncontent-length: 4\r\n\r\n"
BODY = b"body"


class Wire:
    """A transport that takes note of each call that would send."""

    def __init__(self) -> None:
        self.sent: list[bytes] = []
        self.is_closed = False

    def write(self, data: bytes) -> None:
        self.sent.append(data)

    def writelines(self, pieces: Any) -> None:
        self.sent.append(b"".join(pieces))

    def is_closing(self) -> bool:
        return self.is_closed

    def close(self) -> None:
        self.is_closed = True

    def get_extra_info(self, name: str) -> str:
        return f"the {name}"


@pytest.fixture
def wire() -> Wire:
    return Wire()


@pytest.fixture
def transport(wire: Wire) -> OneWrite:
    return OneWrite(wire)


def test_a_head_goes_with_the_body_that_follows(transport: OneWrite, wire: Wire) -> None:
    transport.write(HEAD)
    assert wire.sent == []
    transport.write(BODY)
    assert wire.sent == [HEAD + BODY]
    transport.write(BODY)
    assert wire.sent == [HEAD + BODY, BODY]


def test_a_head_that_nothing_follows_goes_once_the_response_is_complete(transport: OneWrite, wire: Wire) -> None:
    transport.write(HEAD)
    transport.flush()
    transport.flush()
    assert wire.sent == [HEAD]


def test_a_head_goes_before_the_connection_is_closed(transport: OneWrite, wire: Wire) -> None:
    transport.write(HEAD)
    transport.close()
    assert (wire.sent, transport.is_closing()) == ([HEAD], True)


def test_whoever_waits_to_be_told_to_go_on_is_told_at_once(transport: OneWrite, wire: Wire) -> None:
    go_on = b"HTTP/1.1 100 Continue\r\n\r\n"
    transport.write(go_on)
    assert wire.sent == [go_on]


def test_it_is_the_transport_in_everything_else(transport: OneWrite) -> None:
    assert transport.get_extra_info("peername") == "the peername"
