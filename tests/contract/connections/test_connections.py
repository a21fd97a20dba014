"""A connection carries one response for each request, in their order; a client never waits in vain."""

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
def test_a_malformed_request_gets_400_after_the_responses_before_it_and_ends_the_connection(
    server: ServerClient, malformed: bytes, before: int
) -> None:
    with server.connected() as connection:
        connection.send(GET * before + malformed + GET)
        statuses = [response.status for response in connection.rest()]
    assert statuses == [200] * before + [400]


H2C = b"Upgrade: h2c\r\nHTTP2-Settings: AAMAAABkAAQAAP__\r\n"


@pytest.mark.parametrize("lines", ["Close", "close, x-a", "x-a ,\tclose", "close\r\nConnection: x-a"])
def test_a_client_may_ask_for_the_end_among_other_options(server: ServerClient, lines: str) -> None:
    with server.connected() as connection:
        connection.send(b"GET /head HTTP/1.1\r\nHost: x\r\nConnection: %b\r\n\r\n" % lines.encode() + GET)
        (response,) = connection.rest()
    assert (response.status, response.header("connection")) == (200, "close")


def test_the_body_of_an_upgrade_request_is_not_a_request(server: ServerClient) -> None:
    with server.connected() as connection:
        connection.send(POST + b"Connection: Upgrade\r\nUpgrade: x\r\nContent-Length: %d\r\n\r\n" % len(GET) + GET)
        response = connection.response()
        assert bytes.fromhex(response.json()["body"]) == GET
        assert connection.rest_until_quiet(0.3) == []


@pytest.mark.parametrize("pipelined", [True, False])
def test_an_upgrade_request_is_like_any_other(server: ServerClient, pipelined: bool) -> None:
    """Java's client asks for h2c in its first request and continues with HTTP/1.1 on the same connection."""
    asking = b"GET /head HTTP/1.1\r\nHost: x\r\nConnection: Upgrade, HTTP2-Settings\r\n" + H2C + b"\r\n"
    with server.connected() as connection:
        connection.send(asking + (GET if pipelined else b""))
        first = connection.response()
        connection.send(b"" if pipelined else GET)
        second = connection.response()
    assert (first.json(), second.json()) == ({"method": "GET"}, {"method": "GET"})


def test_an_upgrade_request_may_have_a_body(server: ServerClient) -> None:
    with server.connected() as connection:
        connection.send(POST + b"Connection: Upgrade\r\nUpgrade: x\r\nContent-Length: 5\r\n\r\nhello" + GET)
        first, second = connection.response(), connection.response()
    assert bytes.fromhex(first.json()["body"]) == b"hello"
    assert second.json() == {"method": "GET"}


@pytest.mark.parametrize("upgrade", [b"websocket", b"h2c"])
def test_an_upgrade_request_may_be_the_last(server: ServerClient, upgrade: bytes) -> None:
    """HTTP/1.0 has one request a connection, and no Upgrade: a server must ignore it (RFC 9110, section 7.8)."""
    with server.connected() as connection:
        connection.send(b"GET /head HTTP/1.0\r\nConnection: Upgrade\r\nUpgrade: " + upgrade + b"\r\n\r\n")
        assert [response.json() for response in connection.rest()] == [{"method": "GET"}]


def test_an_upgrade_request_may_ask_for_the_end(server: ServerClient) -> None:
    with server.connected() as connection:
        connection.send(GET.removesuffix(b"\r\n") + b"Connection: close, Upgrade\r\nUpgrade: h2c\r\n\r\n")
        assert [response.json() for response in connection.rest()] == [{"method": "GET"}]


def test_the_response_to_head_has_no_body(server: ServerClient) -> None:
    with server.connected() as connection:
        connection.send(GET.replace(b"GET", b"HEAD") + GET)
        head, get = connection.response("HEAD"), connection.response()
    assert (head.header("content-length"), get.body) == (str(len('{"method":"HEAD"}')), b'{"method":"GET"}')


@pytest.mark.parametrize(
    "head",
    [
        b"GET /head HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\n\r\n",
        b"GET /head HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: 0\r\n\r\n",
        b"GET /head HTTP/1.1\r\nHost: x\r\nExpect: something\r\n\r\n",
    ],
)
def test_expect_without_a_body_gets_the_response(server: ServerClient, head: bytes) -> None:
    with server.connected() as connection:
        connection.send(head)
        response = connection.response()
    assert response.json() == {"method": "GET"}


@pytest.mark.parametrize(
    ("lines", "status"),
    [(b"Content-Length: 10001\r\n", 413), (b"Host: y\r\nContent-Length: 5\r\n", 400), (b"X : y\r\n", 400)],
)
def test_expect_with_an_invalid_request_gets_the_error_at_once(narrow: ServerClient, lines: bytes, status: int) -> None:
    with narrow.connected() as connection:
        connection.send(POST + b"Expect: 100-continue\r\n" + lines + b"\r\n")
        response = connection.response()
    assert response.status == status


@pytest.mark.parametrize("close", [True, False], ids=["closing", "keeping"])
def test_a_body_that_is_too_long_gets_413_while_it_is_still_sent(narrow: ServerClient, close: bool) -> None:
    """If a server closed with input unread, the connection would be reset and the client would lose the response."""
    request = Request("POST", "/mirror", [("Connection", "close")] if close else [], b"x" * 5_000_000)
    head, _, body = wire(request).partition(b"\r\n\r\n")
    with narrow.connected() as connection:
        connection.send(head + b"\r\n\r\n", *(body[at : at + 100_000] for at in range(0, len(body), 100_000)))
        response = connection.response()
    assert (response.status, response.json()) == (413, {"message": "Request Too Long"})


def test_bytes_of_a_body_that_is_too_long_are_not_requests(narrow: ServerClient) -> None:
    with narrow.connected() as connection:
        connection.send(POST + b"Content-Length: 10001\r\n\r\n" + GET * 20)
        response = connection.response()
        assert response.status == 413
        assert connection.rest_until_quiet(0.3) == []


def test_endless_headers_get_431(server: ServerClient) -> None:
    with server.connected() as connection:
        connection.send(b"GET /head HTTP/1.1\r\nHost: x\r\nX: ", *[b"x" * 10_000] * 60)
        response = connection.response()
    assert response.status == 431


@pytest.mark.parametrize("length", [0, 4, 5])
@pytest.mark.parametrize("body", [b"0\r\n\r\n", b"1\r\nz\r\n0\r\n\r\n"], ids=["empty", "a byte"])
@pytest.mark.parametrize("chunked_first", [True, False])
def test_after_both_content_length_and_chunked_nothing_more_is_read(
    server: ServerClient, length: int, body: bytes, chunked_first: bool
) -> None:
    """Waitress and uvicorn refuse it; granian reads the chunks and closes. RFC 9112, section 6.1, allows both."""
    lines = [b"Content-Length: %d\r\n" % length, b"Transfer-Encoding: chunked\r\n"]
    with server.connected() as connection:
        connection.send(POST + b"".join(sorted(lines, reverse=chunked_first)) + b"\r\n" + body, GET, GET)
        (response,) = connection.rest()
    assert response.header("connection").lower() == "close"
    assert response.status == (200 if server.kind == "granian" else 400)


def test_granian_accepts_a_bare_line_feed_as_the_end_of_a_line(clients) -> None:
    """RFC 9112, section 2.2, allows that; granian has no setting for it, and the adapter cannot see it.

    A proxy in front of granian must not pass on line feeds in a header's value: a second request could hide there.
    """
    split = b"GET /head HTTP/1.1\r\nHost: x\r\nX: y\n\nGET /head HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"
    statuses = {}
    for kind in SERVERS:
        with clients.open(kind, "tests.apps.mirror:app").connected() as connection:
            connection.send(split)
            statuses[kind] = [response.status for response in connection.rest()]
    assert statuses == {"waitress": [400], "uvicorn": [400], "granian": [200, 200]}
