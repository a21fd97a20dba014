"""What a connection carries: responses in the order of the requests, one for each, and nobody waits for nothing."""

import pytest

from tests.contract.clients.client import SERVERS, ServerClient, client_of
from tests.contract.clients.connection import wire
from tests.contract.clients.messages import Request

LIMIT = 10_000

server = client_of("tests.apps.mirror:app", SERVERS)
narrow = client_of("tests.apps.mirror:app", SERVERS, MAX_BODY_BYTES=str(LIMIT), BASE_PATH="/api")

GET = b"GET /head HTTP/1.1\r\nHost: x\r\n\r\n"
POST = b"POST /mirror HTTP/1.1\r\nHost: x\r\n"

MALFORMED = {
    "a head": b"GET /he ad HTTP/1.1\r\nHost: x\r\n\r\n",
    "two hosts": b"GET /head HTTP/1.1\r\nHost: x\r\nHost: y\r\n\r\n",
    "a chunk": POST + b"Transfer-Encoding: chunked\r\n\r\nzz\r\n",
    "NULs": b"\0\0\0\r\n\r\n",
}


@pytest.mark.parametrize("malformed", MALFORMED.values(), ids=MALFORMED.keys())
@pytest.mark.parametrize("before", [0, 1, 3])
def test_a_refusal_waits_for_the_answers_before_it_and_is_the_last(
    server: ServerClient, malformed: bytes, before: int
) -> None:
    with server.connected() as connection:
        connection.send(GET * before + malformed + GET)
        statuses = [response.status for response in connection.rest()]
    assert statuses == [200] * before + [400]


UPGRADES = {
    "websocket": b"Upgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n",
    "h2c": b"Upgrade: h2c\r\nHTTP2-Settings: AAMAAABkAAQAAP__\r\n",
}


def test_the_body_of_a_request_to_upgrade_is_no_request(server: ServerClient) -> None:
    with server.connected() as connection:
        connection.send(POST + b"Connection: Upgrade\r\nUpgrade: x\r\nContent-Length: %d\r\n\r\n" % len(GET) + GET)
        response = connection.read()
        assert response is not None
        assert bytes.fromhex(response.json()["body"]) == GET
        assert connection.rest_until_silence(0.3) == []


@pytest.mark.parametrize("upgrade", UPGRADES.values(), ids=UPGRADES.keys())
@pytest.mark.parametrize("pipelined", [True, False])
def test_a_request_to_upgrade_is_like_any_other(server: ServerClient, upgrade: bytes, pipelined: bool) -> None:
    """Java's client asks for h2c with its first request and goes on with HTTP/1.1 on the same connection."""
    asking = b"GET /head HTTP/1.1\r\nHost: x\r\nConnection: Upgrade, HTTP2-Settings\r\n" + upgrade + b"\r\n"
    with server.connected() as connection:
        connection.send(asking + (GET if pipelined else b""))
        first = connection.read()
        connection.send(b"" if pipelined else GET)
        second = connection.read()
    assert first is not None
    assert second is not None
    assert (first.json(), second.json()) == ({"method": "GET"}, {"method": "GET"})


def test_a_request_to_upgrade_may_have_a_body(server: ServerClient) -> None:
    with server.connected() as connection:
        connection.send(POST + b"Connection: Upgrade\r\nUpgrade: x\r\nContent-Length: 5\r\n\r\nhello" + GET)
        first, second = connection.read(), connection.read()
    assert first is not None
    assert second is not None
    assert bytes.fromhex(first.json()["body"]) == b"hello"
    assert second.json() == {"method": "GET"}


def test_the_answer_to_head_ends_with_its_head(server: ServerClient) -> None:
    with server.connected() as connection:
        connection.send(GET.replace(b"GET", b"HEAD") + GET)
        head, get = connection.read("HEAD"), connection.read()
    assert head is not None
    assert get is not None
    assert (head.header("content-length"), get.body) == (str(len('{"method":"HEAD"}')), b'{"method":"GET"}')


@pytest.mark.parametrize(
    "head",
    [
        b"GET /head HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\n\r\n",
        b"GET /head HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: 0\r\n\r\n",
        b"GET /head HTTP/1.1\r\nHost: x\r\nExpect: something\r\n\r\n",
    ],
)
def test_who_waits_to_be_told_to_go_on_but_has_nothing_to_send_is_answered(server: ServerClient, head: bytes) -> None:
    with server.connected() as connection:
        connection.send(head)
        response = connection.read()
    assert response is not None
    assert response.json() == {"method": "GET"}


@pytest.mark.parametrize(
    ("lines", "status"),
    [(b"Content-Length: 10001\r\n", 413), (b"Host: y\r\nContent-Length: 5\r\n", 400), (b"X : y\r\n", 400)],
)
def test_who_waits_to_be_told_to_go_on_is_refused_at_once(narrow: ServerClient, lines: bytes, status: int) -> None:
    with narrow.connected() as connection:
        connection.send(POST + b"Expect: 100-continue\r\n" + lines + b"\r\n")
        response = connection.read()
    assert response is not None
    assert response.status == status


@pytest.mark.parametrize("close", [True, False], ids=["closing", "keeping"])
def test_a_body_that_is_too_long_is_answered_while_it_is_still_sent(narrow: ServerClient, close: bool) -> None:
    """A server that closes with input unread resets the connection, and the client loses the response."""
    request = Request("POST", "/mirror", [("Connection", "close")] if close else [], b"x" * 5_000_000)
    head, _, body = wire(request).partition(b"\r\n\r\n")
    with narrow.connected() as connection:
        connection.send(head + b"\r\n\r\n", *(body[at : at + 100_000] for at in range(0, len(body), 100_000)))
        response = connection.read()
    assert response is not None
    assert (response.status, response.json()) == (413, {"message": "Request Too Long"})


def test_what_follows_a_body_that_is_too_long_is_its_body(narrow: ServerClient) -> None:
    with narrow.connected() as connection:
        connection.send(POST + b"Content-Length: 10001\r\n\r\n" + GET * 20)
        response = connection.read()
        assert response is not None
        assert response.status == 413
        assert connection.rest_until_silence(0.3) == []


def test_a_head_that_never_ends_is_refused_or_given_up(server: ServerClient) -> None:
    with server.connected() as connection:
        connection.send(b"GET /head HTTP/1.1\r\nHost: x\r\nX: ", *[b"x" * 10_000] * 60)
        response = connection.read()
    assert response is not None
    assert response.status == 431


@pytest.mark.parametrize("length", [0, 4, 5])
@pytest.mark.parametrize("body", [b"0\r\n\r\n", b"1\r\nz\r\n0\r\n\r\n"], ids=["empty", "a byte"])
@pytest.mark.parametrize("chunked_first", [True, False])
def test_after_a_length_beside_chunked_nothing_more_is_read(
    server: ServerClient, length: int, body: bytes, chunked_first: bool
) -> None:
    """Waitress and uvicorn refuse it; granian goes by the chunks and closes (both: RFC 9112, section 6.1)."""
    lines = [b"Content-Length: %d\r\n" % length, b"Transfer-Encoding: chunked\r\n"]
    with server.connected() as connection:
        connection.send(POST + b"".join(sorted(lines, reverse=chunked_first)) + b"\r\n" + body, GET, GET)
        (response,) = connection.rest()
    assert response.header("connection").lower() == "close"
    assert response.status == (200 if is_granian(server) else 400)


def is_granian(server: ServerClient) -> bool:
    return "with granian" in server.server.awaited_output("Serving ")


def test_granian_takes_a_bare_line_feed_for_the_end_of_a_line(clients) -> None:
    """So it may (RFC 9112, section 2.2), and has no setting for it; nothing of it can be seen from inside.

    A proxy that passes on two line feeds within a header's value would pass on a second request: put none in front of
    granian that does. waitress and uvicorn refuse it.
    """
    split = b"GET /head HTTP/1.1\r\nHost: x\r\nX: y\n\nGET /head HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"
    statuses = {}
    for kind in SERVERS:
        with clients.open(kind, "tests.apps.mirror:app").connected() as connection:
            connection.send(split)
            statuses[kind] = [response.status for response in connection.rest()]
    assert statuses == {"waitress": [400], "uvicorn": [400], "granian": [200, 200]}
