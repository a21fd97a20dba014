"""How a body reaches the handler, and how large it may be."""

import base64

import pytest

from tests.contract.clients.client import GATEWAYS, SERVERS, Client, ServerClient, client_of
from tests.contract.clients.connection import wire
from tests.contract.clients.messages import Request

MIRROR = "tests.apps.mirror:app"
LIMIT = 100_000
ALL_BYTES = bytes(range(256))

client = client_of(MIRROR)
server = client_of(MIRROR, SERVERS)
gateway = client_of(MIRROR, GATEWAYS)
narrow = client_of(MIRROR, GATEWAYS, MAX_BODY_BYTES=str(LIMIT))
narrow_server = client_of(MIRROR, SERVERS, MAX_BODY_BYTES=str(LIMIT))

BODIES = {
    "empty": b"",
    "text": b'{"id":1}',
    "UTF-8": "h\u00e9llo \u2713 \U0001f6d2".encode(),
    "blank": b" \r\n ",
    "NUL": b"a\0b",
    "every byte": ALL_BYTES,
    "half of a character": "\u2713".encode()[:2],
    "UTF-16": "text".encode("utf-16"),
    "large": b"x" * 70_000,
    "large and binary": ALL_BYTES * 300,
}


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE", "GET"])
@pytest.mark.parametrize("body", BODIES.values(), ids=BODIES.keys())
def test_a_body_arrives_as_it_was_sent(client: Client, method: str, body: bytes) -> None:
    headers = [("Content-Length", str(len(body)))] if method in ("GET", "DELETE") and not body else []
    seen = client.request(method, "/mirror", headers, body).json()
    assert bytes.fromhex(seen["body"]) == body


@pytest.mark.parametrize(
    ("content_type", "body", "encoded"),
    [
        ("text/plain", b"text", False),
        ("text/plain", b"\xff", True),
        ("image/png", b"text", True),
        ("IMAGE/PNG; a=b", b"text", True),
        ("application/octet-stream", ALL_BYTES, True),
        ("application/json", b"{}", False),
    ],
)
def test_binary_types_and_bodies_that_are_not_utf_8_come_as_base64(
    gateway: Client, content_type: str, body: bytes, encoded: bool
) -> None:
    event = gateway.post("/mirror", body, ("Content-Type", content_type)).json()["event"]
    assert event["isBase64Encoded"] is encoded
    assert (base64.b64decode(event["body"]) if encoded else event["body"].encode()) == body


def test_an_empty_body_is_none(client: Client) -> None:
    event = client.get("/mirror").json()["event"]
    assert (event["body"], event["isBase64Encoded"]) == (None, False)


CHUNKINGS = {
    "one": b"5\r\nhello\r\n0\r\n\r\n",
    "several": b"1\r\nh\r\n2\r\nel\r\n2\r\nlo\r\n0\r\n\r\n",
    "capital": b"00005\r\nhello\r\n000\r\n\r\n",
    "extension": b'5;name=value;other="x"\r\nhello\r\n0;last\r\n\r\n',
    "trailer": b"5\r\nhello\r\n0\r\nX-Trailer: 1\r\nX-Api-Key: forged\r\n\r\n",
}


@pytest.mark.parametrize("chunks", CHUNKINGS.values(), ids=CHUNKINGS.keys())
@pytest.mark.parametrize("split", [False, True], ids=["at once", "byte by byte"])
def test_a_chunked_body_arrives_whole_and_its_trailer_is_no_header(
    server: ServerClient, chunks: bytes, split: bool
) -> None:
    head = b"POST /mirror HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n"
    with server.connected() as connection:
        connection.send(*([bytes([each]) for each in head + chunks] if split else [head + chunks]))
        response = connection.response()
        assert bytes.fromhex(response.json()["body"]) == b"hello"
        assert {name.lower() for name in response.json()["event"]["headers"]} & {
            "x-trailer",
            "x-api-key",
            "transfer-encoding",
            "content-length",
        } == set()
        connection.send(b"GET /head HTTP/1.1\r\nHost: x\r\n\r\n")
        again = connection.response()
        assert again.json() == {"method": "GET"}


@pytest.mark.parametrize(("size", "status"), [(LIMIT, 200), (LIMIT + 1, 413), (LIMIT * 5, 413)])
def test_a_body_above_the_limit_gets_413(narrow: Client, size: int, status: int) -> None:
    response = narrow.post("/mirror", b"x" * size)
    assert response.status == status
    if status == 413:
        assert response.json() == {"message": "Request Too Long"}
        assert response.header("content-type") == "application/json"


@pytest.mark.parametrize(("size", "status"), [(LIMIT, 200), (LIMIT + 1, 413), (LIMIT * 5, 413)])
def test_the_limit_holds_for_chunked_bodies(narrow_server: ServerClient, size: int, status: int) -> None:
    chunks = [b"%x\r\n%b\r\n" % (len(part), part) for part in pieces(b"x" * size, 10_000)]
    with narrow_server.connected() as connection:
        connection.send(b"POST /mirror HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n", *chunks)
        connection.send(b"0\r\n\r\n")
        response = connection.response()
    assert response.status == status


def pieces(body: bytes, size: int) -> list[bytes]:
    return [body[start : start + size] for start in range(0, len(body), size)]


def test_a_content_length_above_the_limit_is_refused_before_the_body_is_sent(narrow_server: ServerClient) -> None:
    with narrow_server.connected() as connection:
        connection.send(b"POST /mirror HTTP/1.1\r\nHost: x\r\nContent-Length: 1000000000\r\n\r\n")
        response = connection.response()
    assert (response.status, response.json()) == (413, {"message": "Request Too Long"})


@pytest.mark.parametrize(("size", "status"), [(30_000, 200), (70_000, 431), (300_000, 431)])
def test_headers_have_a_limit_too(server: ServerClient, size: int, status: int) -> None:
    assert server.get("/head", ("X-Large", "x" * size)).status == status


@pytest.mark.parametrize(("size", "status"), [(30_000, 200), (70_000, 431)])
def test_the_target_counts_towards_the_limit_of_headers(server: ServerClient, size: int, status: int) -> None:
    response = server.get("/head?" + "x" * size)
    assert response.status == status or (status, response.status) == (431, 414)  # granian responds itself, with 414


def test_expect_gets_100_before_the_body_is_sent(server: ServerClient) -> None:
    request = Request("POST", "/mirror", [("Expect", "100-continue")], b"hello")
    head, _, body = wire(request).rpartition(b"\r\n\r\n")
    with server.connected() as connection:
        connection.send(head + b"\r\n\r\n")
        assert connection.read_interim() == 100
        connection.send(body)
        response = connection.response()
    assert bytes.fromhex(response.json()["body"]) == b"hello"
