"""The contract in servers that the adapter does not start: mounts, events, bodies, errors, threads, and the end."""

import signal
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import pytest

from tests.contract.clients.client import ServerClient
from tests.contract.clients.connection import wire
from tests.contract.clients.messages import Headers, Request, Response
from tests.contract.other_servers.servers import MOUNT, OTHER_SERVERS, Lack, OtherServer, running

LIMIT = 100_000
ALL_BYTES = bytes(range(256))
END_SECONDS = 30


@dataclass(frozen=True, slots=True)
class Other:
    """A running server of other people."""

    name: str
    server: OtherServer
    client: ServerClient

    def request(self, method: str, path: str, headers: Headers = [], body: bytes = b"") -> Response:  # noqa: B006
        return self.client.send(Request(method, self.server.base + path, list(headers), body))

    def get(self, path: str, *headers: tuple[str, str]) -> Response:
        return self.request("GET", path, list(headers))

    def chunked(self, *chunks: bytes) -> Response:
        """POST a chunked body."""
        head = f"POST {self.server.base}/mirror HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n"
        with self.client.connected() as connection:
            connection.send(head.encode(), *(b"%x\r\n%b\r\n" % (len(each), each) for each in chunks), b"0\r\n\r\n")
            return connection.response()


@pytest.fixture(scope="module", params=OTHER_SERVERS)
def other(request: pytest.FixtureRequest) -> Iterator[Other]:
    server = OTHER_SERVERS[request.param]
    with running(server, BASE_PATH="/api", MAX_BODY_BYTES=str(LIMIT)) as client:
        yield Other(request.param, server, client)


@pytest.mark.parametrize(
    ("left", "path"),
    {
        "/mirror": "/mirror",
        "/pets/a%2Fb": "/pets/a%2Fb",
        "/pets/caf%C3%A9%20": "/pets/caf%C3%A9%20",
        "/pets/mount": "/pets/mount",
        "/files/mount/x": "/files/mount/x",
        "/": "/",
        "/api": "/",
        "/api/pets/api": "/pets/api",
        "/api/mirror/": "/mirror/",
    }.items(),
)
def test_below_a_mount_routes_match_what_is_left(other: Other, left: str, path: str) -> None:
    event = other.client.get((MOUNT if other.server.sends_mount else "") + left).json()["event"]
    if Lack.SPELLING in other.server.lacks:
        left, path = left.replace("%2F", "/"), path.replace("%2F", "/")
    assert (event["requestContext"]["path"], event["path"]) == (MOUNT + left, path)


@pytest.mark.parametrize("probe", ["/livez", "/readyz", "/api/livez"])
def test_probes_are_answered_below_a_mount(other: Other, probe: str) -> None:
    assert other.client.get((MOUNT if other.server.sends_mount else "") + probe).json() == {"message": "OK"}


def test_an_event_is_the_request(other: Other) -> None:
    headers = [("Content-Type", "text/plain"), ("X-One", "1"), ("User-Agent", "pytest/1"), ("Cookie", "a=1; b=2")]
    event = other.request("PUT", "/pets/a%20b/vet?x=1&x=%C3%A9&y=a+b%2B&z", headers, b"hello").json()["event"]
    assert (event["httpMethod"], event["resource"], event["path"]) == ("PUT", "/pets/{name}/vet", "/pets/a%20b/vet")
    assert event["pathParameters"] == {"name": "a%20b"}
    assert event["multiValueQueryStringParameters"] == {"x": ["1", "\u00e9"], "y": ["a b+"], "z": [""]}
    assert {name: event["headers"][name] for name, _ in headers} == dict(headers)
    assert (event["body"], event["isBase64Encoded"]) == ("hello", False)


def test_a_target_may_be_a_url(other: Other) -> None:
    """A server must accept it (RFC 9112, section 3.2.2)."""
    response = other.client.get(f"http://other.example{other.server.base}/pets/cat?x=1")
    if Lack.URLS in other.server.lacks:
        assert response.status in (400, 404)
    else:
        assert response.json()["event"]["path"] == "/pets/cat"


def test_a_header_that_comes_twice_has_both_values(other: Other) -> None:
    event = other.get("/mirror", ("X-Twice", "1"), ("X-Twice", "2")).json()["event"]
    values = ",".join(event["multiValueHeaders"]["X-Twice"]).replace(" ", "")
    assert values == ("2" if Lack.REPEATED in other.server.lacks else "1,2")


def test_a_header_with_an_underscore_is_not_the_one_with_a_hyphen(other: Other) -> None:
    headers = other.get("/mirror", ("X_Amzn_Oidc_Data", "forged")).json()["event"]["headers"]
    assert headers.get("X-Amzn-Oidc-Data") == ("forged" if Lack.UNDERSCORES in other.server.lacks else None)


def test_the_client_and_the_port_are_those_of_the_connection(other: Other) -> None:
    forged = [("X-Forwarded-For", "10.9.9.9"), ("X-Forwarded-Proto", "https"), ("X-Forwarded-Port", "1")]
    event = other.get("/mirror", *forged).json()["event"]
    assert event["requestContext"]["identity"]["sourceIp"] == event["headers"]["X-Forwarded-For"] == "127.0.0.1"
    assert event["requestContext"]["localPort"] == other.client.server.port
    assert event["headers"]["X-Forwarded-Port"] == str(other.client.server.port)
    assert event["headers"]["X-Forwarded-Proto"] == "http"


@pytest.mark.parametrize("body", [b"", b"text", ALL_BYTES * 300], ids=len)
def test_a_body_arrives_as_it_was_sent(other: Other, body: bytes) -> None:
    assert bytes.fromhex(other.request("POST", "/mirror", [], body).json()["body"]) == body


def test_a_chunked_body_arrives_whole(other: Other) -> None:
    response = other.chunked(b"hel", b"lo")
    if Lack.CHUNKS in other.server.lacks:
        assert (response.status, response.json()) == (411, {"message": "Length Required"})
    else:
        assert bytes.fromhex(response.json()["body"]) == b"hello"


def test_a_body_above_the_limit_gets_413(other: Other) -> None:
    assert other.request("POST", "/mirror", [], b"x" * LIMIT).status == 200
    with other.client.connected() as connection:
        connection.send(wire(Request("POST", other.server.base + "/mirror", [], b"x" * (LIMIT + 1))))
        response = connection.response()
    assert (response.status, response.json()) == (413, {"message": "Request Too Long"})


def test_a_chunked_body_above_the_limit_gets_413(other: Other) -> None:
    response = other.chunked(b"x" * LIMIT, b"x")
    assert response.status == (411 if Lack.CHUNKS in other.server.lacks else 413)


def test_head_has_the_headers_of_get_and_no_body(other: Other) -> None:
    got, head = other.get("/head"), other.request("HEAD", "/head")
    assert (head.status, head.body, head.header("content-type")) == (200, b"", got.header("content-type"))


@pytest.mark.parametrize(
    ("method", "path", "status", "message"),
    [
        ("GET", "/nothing", 404, "Not Found"),
        ("GET", "/json", 405, "Method Not Allowed"),
        ("GET", "/locked", 403, "Forbidden"),
    ],
)
def test_errors_are_those_of_api_gateway(other: Other, method: str, path: str, status: int, message: str) -> None:
    response = other.request(method, path)
    assert (response.status, response.json()) == (status, {"message": message})
    assert response.header("content-type") == "application/json"
    assert response.header("cache-control") == "no-store"


def test_a_preflight_is_answered(other: Other) -> None:
    response = other.request("OPTIONS", "/locked", [("Origin", "https://shop.example")])
    assert (response.status, response.header("access-control-allow-origin")) == (200, "*")


def test_requests_at_the_same_time_do_not_see_each_other(other: Other) -> None:
    if not other.server.is_threaded:
        return  # it serves one request at a time
    with ThreadPoolExecutor(2) as pool:
        asked = [pool.submit(other.request, "POST", f"/meet/{name}", [], name.encode()) for name in "ab"]
        responses = [each.result().json() for each in asked]
    assert responses == [{"name": name, "seen": name, "body": name} for name in "ab"]


def test_a_websocket_is_refused_with_a_sentence(other: Other) -> None:
    fields = "Host: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"
    key = "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
    with other.client.connected() as connection:
        connection.send(f"GET {other.server.base}/mirror HTTP/1.1\r\n{fields}{key}\r\n".encode())
        response = connection.response()
    if Lack.DENIALS in other.server.lacks:
        assert (response.status, response.body) == (403, b"")
        return
    assert response.status == 501
    assert response.json() == {"message": "WebSockets are not served here: use the app's HTTP routes"}


def test_sigterm_ends_it(other: Other) -> None:
    """The last test of each server: the adapter's threads hold up no process."""
    other.client.server.process.send_signal(signal.SIGTERM)
    assert other.client.server.process.wait(END_SECONDS) in (0, -signal.SIGTERM)
