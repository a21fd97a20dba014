"""Reports of users of other adapters and servers, each tried with an input of our own.

docs/compatibility.md lists them, with the right answers. `ELSEWHERE` names the tests of other files.
"""

import json
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from tests.apps.responses import COMPRESSED, ICON
from tests.contract.clients.client import GATEWAYS, SERVERS, Client, MangumClient, ServerClient, client_of
from tests.contract.clients.events import CLIENT, Event, balancer_event, function_url_event, http_event, rest_event
from tests.contract.clients.messages import Request
from tests.contract.reports.elsewhere import ELSEWHERE
from tests.contract.reports.page import threads_of

TESTS = Path(__file__).resolve().parents[2]
MIRROR = "tests.apps.mirror:app"

server = client_of(MIRROR, SERVERS)
balanced = client_of(MIRROR, SERVERS, BASE_PATH="/api", TRUSTED_PROXIES="1")
function = client_of(MIRROR, ("mangum",))
answering = client_of("tests.apps.responses:app", GATEWAYS)


class Sent(NamedTuple):
    """Bytes for a server, and the status of its answer."""

    thread: str
    name: str
    request: bytes
    status: int
    on_granian: int | None = None  # if it cannot do better


class Seen(NamedTuple):
    """A header of a request, and what the app sees of the client."""

    thread: str
    forwarded: str
    source_ip: str


class Answered(NamedTuple):
    """What an app returns (tests/apps/responses.py), and what a client receives."""

    thread: str
    target: str
    status: int
    body: bytes
    headers: dict[str, list[str]]


class Handled(NamedTuple):
    """An event for Mangum, and what the app sees in its own event, by dotted names."""

    thread: str
    name: str
    event: Event
    seen: dict[str, Any]


def head(host: str, target: str = "/mirror") -> bytes:
    return f"GET {target} HTTP/1.1\r\nHost: {host}\r\n\r\n".encode("latin-1")


def chunked(coding: bytes = b"chunked", body: bytes = b"5\r\nhello\r\n0\r\n\r\n") -> bytes:
    return b"POST /mirror HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: " + coding + b"\r\n\r\n" + body


def trailed(trailer: bytes) -> bytes:
    return chunked(body=b"5\r\nhello\r\n0\r\n" + trailer + b"\r\n\r\n")


HOSTS = "Pylons/waitress#462"
TARGETS = "Pylons/waitress#498"
CODINGS = "benoitc/gunicorn#3364"
TRAILERS = "benoitc/gunicorn#3144"
EXTENSIONS = "benoitc/gunicorn#3327"
BLANKS = "ruby/webrick#138"

SIZE_LINES = {
    "a line feed behind the size": b"5\n\r\nhello\r\n0\r\n\r\n",
    "a line feed before the extension": b"5\n;a=b\r\nhello\r\n0\r\n\r\n",
    "a line feed behind the extension": b"5;a=b\n\r\nhello\r\n0\r\n\r\n",
    "a line feed behind the last size": b"5\r\nhello\r\n0\n\r\n\r\n",
}

SENT = [
    *(Sent(HOSTS, host, head(host), 400) for host in ("a b", "a, b", "user@x", "x/y", "x?y", "x:port", "[::1", "\xe9")),
    *(Sent(HOSTS, host, head(host), 200) for host in ("x", "x:80", "[2001:db8::7]:80", "a_b.example", "x:")),
    Sent(TARGETS, "a URL without a path", head("x", "http://other.example"), 200),
    Sent(TARGETS, "a URL without a path, with a query", head("x", "http://other.example?x=1"), 200),
    Sent(TARGETS, "a URL without a host", head("x", "http:///mirror"), 400),
    Sent(TARGETS, "a URL with a user", head("x", "http://user@x/mirror"), 400, on_granian=200),
    Sent(TARGETS, "an asterisk", head("x", "*"), 400),
    Sent(TARGETS, "a port", b"CONNECT x:443 HTTP/1.1\r\nHost: x:443\r\n\r\n", 400),
    Sent("benoitc/gunicorn#3087", "an empty element", chunked(b",chunked"), 501),
    Sent(CODINGS, "controls around it", chunked(b"\x0b\x0c\x1cchunked\x85\xa0"), 400),
    Sent(TRAILERS, "a trailer", trailed(b"X-Sum: 1"), 200),
    Sent(TRAILERS, "a trailer without a colon", trailed(b"GET / HTTP/1.1"), 400),
    Sent(TRAILERS, "a trailer with a bare line feed", trailed(b"X: a\nY: b"), 400),
    Sent(TRAILERS, "a trailer that is folded", trailed(b"X: a\r\n b"), 400),
    *(Sent(EXTENSIONS, name, chunked(body=body), 400) for name, body in SIZE_LINES.items()),
    Sent(BLANKS, "a blank before the request line", b" " + head("x"), 400),
    Sent(BLANKS, "a vertical tab before it", b"\r\n\x0b" + head("x"), 400),
    Sent(BLANKS, "line breaks before it", b"\r\n\r\n" + head("x"), 200),
    Sent(BLANKS, "a blank behind it", head("x").replace(b"1.1", b"1.1 "), 400),
    Sent(BLANKS, "a carriage return behind it", head("x").replace(b"1.1", b"1.1\r"), 400),
    Sent(BLANKS, "a line feed behind it", head("x").replace(b"1.1", b"1.1\n"), 400),
    Sent(TRAILERS, "a line feed in a chunk's extension", chunked(body=b"5;a\nb\r\nhello\r\n0\r\n\r\n"), 400),
]


@pytest.mark.parametrize("row", SENT, ids=lambda row: f"{row.thread} {row.name}")
def test_bytes_get_this_status(server: ServerClient, row: Sent) -> None:
    with server.connected() as connection:
        connection.send(row.request)
        response = connection.response()
    expected = row.on_granian if row.on_granian and server.kind == "granian" else row.status
    assert response.status == expected


def test_the_host_of_a_target_counts_more_than_the_header(server: ServerClient) -> None:
    """Pylons/waitress#467. granian hands the target on without its host."""
    with server.connected() as connection:
        connection.send(head("shop.example", "http://other.example:81/mirror"))
        event = connection.response().json()["event"]
    host = "shop.example" if server.kind == "granian" else "other.example:81"
    assert event["headers"]["Host"] == host
    assert event["requestContext"]["domainName"] == host.partition(":")[0]


PORTS = "Kludex/uvicorn#2789"
SEEN = [
    Seen(PORTS, "203.0.113.7:4711", "203.0.113.7"),
    Seen(PORTS, "10.0.0.1:1, [2001:db8::7]:4711", "2001:db8::7"),
    Seen(PORTS, "[2001:db8::7]", "2001:db8::7"),
]


@pytest.mark.parametrize("row", SEEN, ids=lambda row: row.forwarded)
def test_the_client_has_this_address(balanced: ServerClient, row: Seen) -> None:
    event = balanced.get("/mirror", ("X-Forwarded-For", row.forwarded)).json()["event"]
    assert event["requestContext"]["identity"]["sourceIp"] == row.source_ip
    assert event["headers"]["X-Forwarded-For"] == row.forwarded


ANSWERED = [
    Answered("zappa/Zappa#908", "css", 200, COMPRESSED, {"content-encoding": ["gzip"], "content-type": ["text/css"]}),
    Answered("Kludex/mangum#160", "font", 200, ICON, {"content-type": ["font/woff2"]}),
    Answered("logandk/serverless-wsgi#74", "svg", 200, "<svg>\xe9</svg>".encode(), {"content-type": ["image/svg+xml"]}),
    Answered("logandk/serverless-wsgi#68", "problem", 404, b'{"title":"no"}', {}),
    Answered("logandk/serverless-wsgi#192", "part", 206, b"ell", {"content-range": ["bytes 1-3/5"]}),
    Answered("Kludex/uvicorn#1436", "dated", 200, b"x", {}),
    Answered("Kludex/uvicorn#725", "tab", 200, b"x", {"x-tab": ["a\tb"]}),
    Answered("Kludex/mangum#215", "several", 200, b"x", {"link": ["<a>; rel=x", "<b>; rel=y"], "vary": ["A", "B"]}),
]


@pytest.mark.parametrize("row", ANSWERED, ids=lambda row: f"{row.thread} {row.target}")
def test_an_app_answers_so(answering: Client, row: Answered) -> None:
    response = answering.get(f"/typed/{row.target}", ("Accept", "*/*"))
    assert (response.status, response.body) == (row.status, row.body)
    assert {name: response.all(name) for name in row.headers} == row.headers
    assert len(response.all("date")) <= 1
    assert len(response.all("server")) <= 1


def test_205_has_no_content(answering: Client) -> None:
    """fastapi/fastapi#16386. Unlike 204 it says so by its length."""
    response = answering.get("/response/205")
    assert (response.status, response.body, response.header("content-length")) == (205, b"", "0")


def rest(target: str = "/mirror", **changes: Any) -> Event:
    return {**rest_event(Request("GET", target)), **changes}


def decoded(path: str, event: Callable[[Request], Event] = http_event) -> Event:
    """Build an HTTP API's event, which has the path decoded."""
    built = event(Request("GET", path))
    built["requestContext"]["http"]["path"] = path
    return built


def forwarded(address: str) -> Event:
    event = balancer_event(Request("GET", "/mirror"))
    event["multiValueHeaders"]["x-forwarded-for"] = [address]
    return event


REPEATED = [("X-Many", "1"), ("X-Many", "2, 3"), ("Cookie", "a=1"), ("Cookie", "b=2")]
SOURCE = "requestContext.identity.sourceIp"
EACH = {"multiValueHeaders.X-Many": ["1", "2, 3"], "headers.X-Many": "2, 3", "headers.Cookie": "b=2"}
HEALTH = {"user-agent": "ELB-HealthChecker/2.0"}
PATHS = "honojs/hono#2156"
SINGLE: Callable[[Request], Event] = partial(balancer_event, multi_value=False)

HANDLED = [
    Handled("Kludex/mangum#69", "null headers", rest(headers=None, multiValueHeaders=None), {SOURCE: CLIENT}),
    Handled("Kludex/mangum#69", "no identity", rest(requestContext={"stage": "api"}), {SOURCE: ""}),
    Handled("Kludex/mangum#69", "an empty path", decoded(""), {"path": "/"}),
    Handled("logandk/serverless-wsgi#87", "REST API", rest_event(Request("GET", "/mirror", REPEATED)), EACH),
    Handled("logandk/serverless-wsgi#87", "balancer", balancer_event(Request("GET", "/mirror", REPEATED)), EACH),
    Handled("aws/aws-lambda-web-adapter#462", "health", {**SINGLE(Request("GET", "/mirror")), "headers": HEALTH}, {}),
    Handled(PORTS, "balancer", forwarded("10.0.0.1, 203.0.113.7:4711"), {SOURCE: "203.0.113.7"}),
    Handled(PORTS, "balancer, IPv6", forwarded("[2001:db8::7]:4711"), {SOURCE: "2001:db8::7"}),
    Handled(PATHS, "a blank", decoded("/pets/a b"), {"path": "/pets/a%20b"}),
    Handled(PATHS, "a question mark", decoded("/pets/a?b"), {"path": "/pets/a%3Fb", "pathParameters.name": "a%3Fb"}),
    Handled(PATHS, "a number sign", decoded("/pets/a#b"), {"path": "/pets/a%23b"}),
    Handled(PATHS, "beyond ASCII", decoded("/pets/\xe9"), {"path": "/pets/%C3%A9"}),
    Handled(PATHS, "function URL", decoded("/pets/a%2Fb", function_url_event), {"path": "/pets/a%2Fb"}),
]


@pytest.mark.parametrize("row", HANDLED, ids=lambda row: f"{row.thread} {row.name}")
def test_an_event_is_seen_so(function: MangumClient, row: Handled) -> None:
    result = function.invoke(row.event)
    assert result["statusCode"] == 200
    event = json.loads(result["body"])["event"]
    assert {name: found(event, name) for name in row.seen} == row.seen


def found(event: Event, name: str) -> Any:
    for part in name.split("."):
        event = event[part]
    return event


OTHER_EVENTS = {
    "Kludex/mangum#193": {},
    "Kludex/mangum#266": {"source": "serverless-plugin-warmup"},
    "zappa/Zappa#1218": {"version": "0", "detail-type": "Scheduled Event", "source": "aws.events", "detail": {}},
    "aws/aws-lambda-web-adapter#216": {"Records": [{"eventSource": "aws:sqs", "body": "x"}]},
}


@pytest.mark.parametrize("event", OTHER_EVENTS.values(), ids=OTHER_EVENTS.keys())
def test_an_event_that_is_no_request_is_mangums_error(function: MangumClient, event: Event) -> None:
    """It never reaches this adapter. A function in front of Mangum can answer it."""
    with pytest.raises(RuntimeError, match="unable to infer a handler"):
        function.invoke(event)


PROJECTS = (
    "Kludex/mangum",
    "zappa/Zappa",
    "Miserlou/Zappa",
    "logandk/serverless-wsgi",
    "aws/aws-lambda-web-adapter",
    "Pylons/waitress",
    "Kludex/uvicorn",
    "emmett-framework/granian",
    "benoitc/gunicorn",
    "kserve/kserve",
    "ruby/webrick",
    "honojs/hono",
    "fastapi/fastapi",
)


@pytest.mark.parametrize("project", PROJECTS)
def test_every_row_of_the_page_is_tried(project: str) -> None:
    rows = [*SENT, *SEEN, *ANSWERED, *HANDLED]
    tried = {row.thread for row in rows} | set(OTHER_EVENTS) | set(threads_elsewhere())
    assert {f"{project}#{number}" for number in threads_of(project)} == {
        thread for thread in tried if thread.partition("#")[0] == project
    }


def threads_elsewhere() -> list[str]:
    return [thread for tests in ELSEWHERE.values() for threads in tests.values() for thread in threads]


@pytest.mark.parametrize("path", ELSEWHERE)
def test_the_tests_of_another_file_exist(path: str) -> None:
    text = (TESTS / path).read_text(encoding="utf-8")
    assert [name for name in ELSEWHERE[path] if f"def {name}(" not in text] == []
