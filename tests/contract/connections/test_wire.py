"""Raw bytes on real sockets: the server does not crash or hang, and a client's error is never a 5xx.

Bytes that two parsers could frame differently (request smuggling) get one response at most.
"""

from itertools import product

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.contract.clients.client import SERVERS, ServerClient, client_of
from tests.contract.clients.messages import Response

server = client_of("tests.apps.mirror:app", SERVERS)

GET = b"GET /mirror HTTP/1.1\r\nHost: x\r\n\r\n"
POST = b"POST /mirror HTTP/1.1\r\nHost: x\r\nContent-Type: text/plain\r\n"
CHUNKED = POST + b"Transfer-Encoding: chunked\r\n\r\n"


QUIET_SECONDS = 0.4


def exchange(server: ServerClient, *parts: bytes) -> list[Response]:
    """Send bytes, close the sending half, and read every response.

    granian closes such a half-open connection (hyper's `half_close` is off, without a setting). With granian, leave it
    open and read until nothing more comes.
    """
    with server.connected() as connection:
        connection.send(*parts)
        if server.kind == "granian":
            return connection.rest_until_quiet(QUIET_SECONDS)
        connection.finish()
        return connection.rest()


def statuses(responses: list[Response]) -> list[int]:
    return [response.status for response in responses]


def still_serves(server: ServerClient) -> bool:
    return server.get("/mirror").status == 200


def seen_body(response: Response) -> bytes:
    """Return the body that the app saw."""
    return bytes.fromhex(response.json()["body"])


def test_pipelined_requests_get_their_responses_in_order(server: ServerClient) -> None:
    requests = [f"GET /pets/{n} HTTP/1.1\r\nHost: x\r\n\r\n".encode() for n in range(20)]
    responses = exchange(server, b"".join(requests))
    assert [response.json()["uri_params"]["name"] for response in responses] == [str(n) for n in range(20)]


def test_a_request_may_come_byte_by_byte(server: ServerClient) -> None:
    request = POST + b"Content-Length: 5\r\n\r\nhello"
    (response,) = exchange(server, *(request[at : at + 1] for at in range(len(request))))
    assert seen_body(response) == b"hello"


@pytest.mark.parametrize("split", range(1, 30, 3))
def test_chunks_may_be_split_anywhere(server: ServerClient, split: int) -> None:
    body = b"5\r\nhello\r\n6;name=value\r\n world\r\n0\r\nX-Trailer: x\r\n\r\n"
    (response,) = exchange(server, CHUNKED, body[:split], body[split:])
    assert seen_body(response) == b"hello world"


@pytest.mark.parametrize(
    "body",
    [
        b"x\r\nhello\r\n0\r\n\r\n",
        b"-5\r\nhello\r\n0\r\n\r\n",
        b"0x5\r\nhello\r\n0\r\n\r\n",
        b"5\r\nhelloX\r\n0\r\n\r\n",
    ],
    ids=["no number", "negative", "0x", "longer than it says"],
)
def test_a_malformed_chunk_gets_4xx(server: ServerClient, body: bytes) -> None:
    responses = exchange(server, CHUNKED + body + b"0\r\n\r\n")
    assert all(400 <= status < 500 for status in statuses(responses))
    assert still_serves(server)


@pytest.mark.parametrize("body", [b"", b"5\r\nhel", b"ffffffffffffffffff\r\n"], ids=["nothing", "half", "endless"])
def test_an_incomplete_chunked_body_gets_4xx_or_no_response(server: ServerClient, body: bytes) -> None:
    responses = exchange(server, CHUNKED + body)
    assert all(400 <= status < 500 for status in statuses(responses))
    assert still_serves(server)


def test_an_incomplete_body_gets_4xx_or_no_response(server: ServerClient) -> None:
    responses = exchange(server, POST + b"Content-Length: 100\r\n\r\nhello")
    assert all(400 <= status < 500 for status in statuses(responses))
    assert still_serves(server)


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_a_client_that_has_closed_its_sending_half_gets_its_response(server: ServerClient, method: str) -> None:
    body = b"hello" if method == "POST" else b""
    request = f"{method} /mirror HTTP/1.1\r\nHost: x\r\nContent-Length: {len(body)}\r\n\r\n".encode() + body
    with server.connected() as connection:
        connection.send(request)
        connection.finish()
        responses = statuses(connection.rest())
    assert responses == [200] or (server.kind == "granian" and responses == [])
    assert still_serves(server)


def test_clients_that_disconnect_early_do_no_harm(server: ServerClient) -> None:
    for request in (b"", b"G", GET[:-2], POST, GET):
        for _ in range(20):
            with server.connected() as connection:
                connection.send(request)
    assert still_serves(server)


def test_http_1_0_gets_one_response_and_the_connection_closes(server: ServerClient) -> None:
    assert statuses(exchange(server, b"GET /mirror HTTP/1.0\r\n\r\n" + GET)) == [200]


def test_http_1_0_may_ask_to_keep_the_connection(server: ServerClient) -> None:
    with server.connected() as connection:
        for _ in range(2):
            connection.send(b"GET /mirror HTTP/1.0\r\nConnection: keep-alive\r\n\r\n")
            response = connection.read()
            if response is None:  # a server need not keep it
                return
            assert response.status == 200


def test_every_byte_may_be_percent_encoded(server: ServerClient) -> None:
    for byte in range(256):
        response = server.get(f"/pets/a%{byte:02X}b?q=a%{byte:02x}b")
        assert response.status == 200, byte
        assert response.json()["uri_params"]["name"] == f"a%{byte:02X}b"
        assert len(response.json()["query"]["q"][0]) >= 2


def test_unescaped_bytes_in_a_target_are_served_or_refused(server: ServerClient) -> None:
    for byte, where in product([*range(33), *range(127, 256)], (b"/pets/a%cb", b"/mirror?q=a%cb")):
        target = where.replace(b"%c", bytes([byte]))
        responses = exchange(server, b"GET " + target + b" HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
        assert all(status < 500 for status in statuses(responses)), (byte, responses)
        assert len(responses) <= 1
    assert still_serves(server)


@pytest.mark.parametrize("escape", ["%", "%1", "%zz", "%u0041", "%%41"])
def test_an_incomplete_escape_is_passed_on_or_refused(server: ServerClient, escape: str) -> None:
    response = server.get(f"/pets/{escape}?q={escape}")
    assert response.status in (200, 400)
    if response.status == 200:
        assert response.json()["uri_params"]["name"] == escape


@pytest.mark.parametrize("method", ["get", "BREW", "M-SEARCH", "X" * 100, "PROPFIND", "TRACE", "CONNECT"])
def test_an_odd_method_is_refused(server: ServerClient, method: str) -> None:
    responses = exchange(server, f"{method} /mirror HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n".encode())
    assert all(400 <= status < 500 or status == 501 for status in statuses(responses)) or method == "get"
    assert still_serves(server)


@pytest.mark.parametrize("target", ["*", "http://x/mirror", "x:80", "//", "mirror", "", "/mirror#part", "/../mirror"])
def test_an_odd_target_is_never_a_5xx(server: ServerClient, target: str) -> None:
    responses = exchange(server, f"OPTIONS {target} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n".encode())
    assert all(status < 500 for status in statuses(responses))
    assert still_serves(server)


def test_many_small_headers_are_served_or_refused(server: ServerClient) -> None:
    heads = b"".join(b"X-%d: x\r\n" % number for number in range(3000))
    responses = exchange(server, b"GET /mirror HTTP/1.1\r\nHost: x\r\n" + heads + b"\r\n")
    assert set(statuses(responses)) <= {200, 400, 413, 431}
    assert still_serves(server)


SMUGGLED = b"GET /pets/smuggled HTTP/1.1\r\nHost: x\r\n\r\n"

# After these headers one parser may see the end of the request where another does not; a smuggled request follows.
SHAPES: dict[str, bytes] = {
    "two lengths": b"Content-Length: 0\r\nContent-Length: 44\r\n\r\n",
    "a list of lengths": b"Content-Length: 0, 44\r\n\r\n",
    "a signed length": b"Content-Length: +0\r\n\r\n",
    "a length in hex": b"Content-Length: 0x0\r\n\r\n",
    "another coding": b"Transfer-Encoding: gzip\r\n\r\n",
    "identity": b"Transfer-Encoding: identity\r\n\r\n",
    "chunked twice": b"Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    "chunked and identity": b"Transfer-Encoding: chunked, identity\r\n\r\n0\r\n\r\n",
    "chunked with a tail": b"Transfer-Encoding: chunkedx\r\n\r\n0\r\n\r\n",
    "a vertical tab before chunked": b"Transfer-Encoding: \x0bchunked\r\n\r\n0\r\n\r\n",
    "a blank before the colon": b"Transfer-Encoding : chunked\r\n\r\n0\r\n\r\n",
    "a folded header": b"X-Folded: a\r\n Transfer-Encoding: chunked\r\n\r\n",
    "a header that begins with a blank": b" Content-Length: 44\r\n\r\n",
    "a bare line feed": b"X-Bare: a\nContent-Length: 44\r\n\r\n",
    "a bare carriage return": b"X-Bare: a\rContent-Length: 44\r\n\r\n",
    "a NUL": b"X-Nul: a\0Content-Length: 44\r\n\r\n",
    "no colon": b"Content-Length 44\r\n\r\n",
    "a header without a name": b": x\r\n\r\n",
    "two hosts": b"Host: y\r\nContent-Length: 0\r\n\r\n",
}


@pytest.mark.parametrize("shape", SHAPES.values(), ids=SHAPES.keys())
def test_ambiguous_framing_is_refused_and_a_request_after_it_gets_no_response(
    server: ServerClient, shape: bytes
) -> None:
    responses = exchange(server, b"POST /mirror HTTP/1.1\r\nHost: x\r\n" + shape + SMUGGLED)
    assert all(400 <= status < 500 or status == 501 for status in statuses(responses))
    assert len(responses) <= 1
    assert not any(b"smuggled" in response.body for response in responses)
    assert still_serves(server)


@pytest.mark.parametrize(
    "request_",
    [
        b"GET /mirror HTTP/1.1\r\n\r\n",
        b"GET /mirror HTTP/1.1\r\nHost:\r\n\r\n",
        b"GET /mirror HTTP/1.1\nHost: x\n\n",
        b"GET /mirror\r\n\r\n",
        b"GET /mirror HTTP/2.0\r\nHost: x\r\n\r\n",
        b"GET  /mirror  HTTP/1.1\r\nHost: x\r\n\r\n",
        b"GET /mirror HTTP/1.1 x\r\nHost: x\r\n\r\n",
        b"POST /mirror HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
        b"\0" * 100,
    ],
    ids=["no host", "empty host", "bare LF", "0.9", "2.0", "blanks", "a tail", "1.0 chunked", "TLS", "NULs"],
)
def test_what_is_not_a_request_is_refused(server: ServerClient, request_: bytes) -> None:
    responses = exchange(server, request_)
    lenient = b"\nHost: x\n\n" in request_ or b"GET  /" in request_  # which RFC 9112, sections 2.2 and 3, allows
    served = lenient and server.kind != "waitress"
    assert all(400 <= status < 500 or status in (501, 505) or served for status in statuses(responses))
    assert len(responses) <= 1
    assert still_serves(server)


def test_errors_have_the_gateways_format(server: ServerClient) -> None:
    (response,) = exchange(server, b"GET /mirror HTTP/1.1\r\n\r\n")
    assert (response.status, response.json()) == (400, {"message": "Bad Request"})


VALID = [GET, POST + b"Content-Length: 5\r\n\r\nhello", CHUNKED + b"1\r\nx\r\n0\r\n\r\n"]


@given(st.data())
@settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck))
def test_no_mutation_of_a_request_is_a_5xx(server: ServerClient, data: st.DataObject) -> None:
    mutated = bytearray(data.draw(st.sampled_from(VALID)))
    for _ in range(data.draw(st.integers(1, 4))):
        at = data.draw(st.integers(0, len(mutated)))
        mutated[at : at + data.draw(st.integers(0, 3))] = data.draw(st.binary(max_size=4))
    responses = exchange(server, bytes(mutated))
    assert all(status < 500 or status in (501, 505) for status in statuses(responses))


def test_the_server_still_serves_and_has_logged_no_traceback(server: ServerClient) -> None:
    assert still_serves(server)
    assert "Traceback" not in server.server.output()
