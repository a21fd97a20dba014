"""`Mangum(create_asgi_app(app))` handles every kind of event with which AWS calls a function for an HTTP request."""

import logging
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import pytest

from tests.apps.responses import ICON
from tests.contract.clients.client import MangumClient, copy_of
from tests.contract.clients.events import (
    CLIENT,
    Event,
    balancer_event,
    function_url_event,
    http_event,
    rest_event,
)
from tests.contract.clients.messages import Request

KINDS: dict[str, Callable[[Request], Event]] = {
    "REST API": rest_event,
    "HTTP API": http_event,
    "function URL": function_url_event,
    "load balancer": balancer_event,
    "load balancer, single values": partial(balancer_event, multi_value=False),
}
MULTI = ("REST API", "HTTP API", "function URL", "load balancer")
BASED = ("REST API", "HTTP API", "function URL")  # Mangum strips no base path from a load balancer's events
ALL_BYTES = bytes(range(256))


@pytest.fixture(scope="module", params=KINDS)
def mirror(request: pytest.FixtureRequest) -> Iterator[MangumClient]:
    yield from opened("tests.apps.mirror:app", request.param)


@pytest.fixture(scope="module", params=KINDS)
def responses(request: pytest.FixtureRequest) -> Iterator[MangumClient]:
    yield from opened("tests.apps.responses:app", request.param)


def opened(target: str, kind: str, environ: dict[str, str] | None = None, **options: Any) -> Iterator[MangumClient]:
    client = MangumClient(copy_of(target), environ or {}, KINDS[kind], **options)
    client.kind = kind
    yield client
    client.close()


def test_the_request_is_the_same_in_every_kind_of_event(mirror: MangumClient) -> None:
    headers = [("Content-Type", "text/plain"), ("X-One", "1"), ("User-Agent", "pytest/1")]
    event = mirror.request("PUT", "/pets/a%20b/vet?x=1&y=a+b%2B&z", headers, b"hello").json()["event"]
    assert (event["httpMethod"], event["resource"], event["path"]) == ("PUT", "/pets/{name}/vet", "/pets/a%20b/vet")
    assert event["pathParameters"] == {"name": "a%20b"}
    assert event["queryStringParameters"] == {"x": "1", "y": "a b+", "z": ""}
    assert (event["headers"]["X-One"], event["headers"]["Content-Type"]) == ("1", "text/plain")
    assert (event["body"], event["isBase64Encoded"]) == ("hello", False)
    assert event["requestContext"]["identity"]["userAgent"] == "pytest/1"


def test_the_client_address_is_that_of_the_event(mirror: MangumClient) -> None:
    event = mirror.get("/mirror", ("X-Forwarded-For", "10.9.9.9")).json()["event"]
    assert event["requestContext"]["identity"]["sourceIp"] == CLIENT
    assert event["headers"]["X-Forwarded-For"] == CLIENT
    assert event["headers"]["X-Forwarded-Proto"] == "https"
    assert event["requestContext"]["localPort"] is None


def test_every_value_of_a_query_arrives(mirror: MangumClient) -> None:
    seen = mirror.get("/mirror?a=1&a=2%263&b=%C3%A9").json()["query"]
    several = ["1", "2&3"] if mirror.kind in MULTI else ["2&3"]
    assert seen == {"a": several, "b": ["\u00e9"]}


@pytest.mark.parametrize("body", [b"text", "h\u00e9llo".encode(), ALL_BYTES, b"\0", b"x" * 100_000])
def test_a_body_arrives_byte_for_byte(mirror: MangumClient, body: bytes) -> None:
    assert bytes.fromhex(mirror.post("/mirror", body).json()["body"]) == body


def test_an_empty_body_is_none(mirror: MangumClient) -> None:
    assert mirror.get("/mirror").json()["event"]["body"] is None


@pytest.mark.parametrize(
    ("method", "path", "status", "body"),
    [
        ("GET", "/nothing", 404, "Not Found"),
        ("GET", "/json", 405, "Method Not Allowed"),
        ("GET", "/locked", 403, "Forbidden"),
    ],
)
def test_the_gateway_responds_itself_as_in_a_server(
    mirror: MangumClient, method: str, path: str, status: int, body: str
) -> None:
    response = mirror.request(method, path)
    assert (response.status, response.json()) == (status, {"message": body})


def test_a_binary_response_is_returned_byte_for_byte(responses: MangumClient) -> None:
    response = responses.get("/bytes", ("Accept", "*/*"))
    assert (response.status, response.header("content-type"), response.body) == (200, "image/png", ICON)


def test_each_cookie_is_returned(responses: MangumClient) -> None:
    """A load balancer without multi-value headers gets them under names that differ in case."""
    assert sorted(responses.get("/cookies").all("set-cookie")) == ["a=1; Path=/", "b=2, 3; Secure", "c=4"]


def test_cookies_arrive(mirror: MangumClient) -> None:
    assert mirror.get("/mirror", ("Cookie", "a=1; b=2")).json()["event"]["headers"]["Cookie"] == "a=1; b=2"


@pytest.mark.parametrize("path", ["/readyz", "/livez"])
def test_probes_succeed_at_every_event(mirror: MangumClient, path: str) -> None:
    """Mangum runs the app's whole lifespan for each event."""
    for _ in range(3):
        response = mirror.get(path)
        assert (response.status, response.header("connection")) == (200, None)


@pytest.mark.parametrize("kind", BASED)
@pytest.mark.parametrize(
    ("sent", "path"),
    [
        ("/base/pets/a%2Fb", "/pets/a%2Fb"),
        ("/base/pets/base", "/pets/base"),
        ("/base/files/base/x", "/files/base/x"),
        ("/base", "/"),
        ("/pets/cat", "/pets/cat"),
    ],
)
def test_a_base_path_that_mangum_strips_is_a_mount(kind: str, sent: str, path: str) -> None:
    for client in opened("tests.apps.mirror:app", kind, api_gateway_base_path="/base"):
        event = client.get(sent).json()["event"]
        assert (event["path"], event["requestContext"]["path"]) == (path, sent)


@pytest.mark.parametrize("kind", KINDS)
def test_our_base_path_is_stripped_too(kind: str) -> None:
    for client in opened("tests.apps.mirror:app", kind, {"BASE_PATH": "/base"}):
        event = client.get("/base/pets/a%2Fb").json()["event"]
        assert (event["path"], event["requestContext"]["path"]) == ("/pets/a%2Fb", "/base/pets/a%2Fb")


def test_an_exception_that_escapes_the_app_gets_502_not_mangums_500(
    responses: MangumClient, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.ERROR):
        response = responses.get("/escape/SystemExit")
    assert (response.status, response.json()) == (502, {"message": "Internal server error"})
    assert "An error occurred running the application" not in caplog.text


def test_the_limit_of_bodies_holds() -> None:
    for client in opened("tests.apps.mirror:app", "HTTP API", {"MAX_BODY_BYTES": "1000"}):
        assert client.post("/mirror", b"x" * 1000).status == 200
        assert client.post("/mirror", b"x" * 1001).status == 413


def test_without_a_lifespan_the_app_is_ready() -> None:
    for client in opened("tests.apps.mirror:app", "REST API", lifespan="off"):
        assert client.get("/readyz").status == 200
