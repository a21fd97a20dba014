"""What an app may return, and what a client receives."""

import json

import pytest

from tests.apps.responses import ICON, MALFORMED, NATIVE
from tests.contract.clients.client import GATEWAYS, RUNTIMES, SERVERS, Client, ServerClient, client_of
from tests.contract.clients.connection import wire
from tests.contract.clients.messages import Request

RESPONSES = "tests.apps.responses:app"
BAD_GATEWAY = (502, {"message": "Internal server error"})

client = client_of(RESPONSES, RUNTIMES)
gateway = client_of(RESPONSES, GATEWAYS)
server = client_of(RESPONSES, SERVERS)


@pytest.mark.parametrize("form", NATIVE)
def test_a_native_value_is_json(gateway: Client, form: str) -> None:
    response = gateway.get(f"/native/{form}")
    assert (response.status, response.header("content-type")) == (200, "application/json")
    value = NATIVE[form]
    assert response.body == (value if isinstance(value, str) else json.dumps(value, separators=(",", ":"))).encode()


@pytest.mark.parametrize("code", [200, 201, 202, 299, 301, 400, 404, 418, 429, 500, 503, 599])
def test_a_status_is_sent_unchanged(client: Client, code: int) -> None:
    response = client.get(f"/response/{code}")
    assert (response.status, response.body, response.header("content-type")) == (code, b"said", "text/plain")


@pytest.mark.parametrize("code", [204, 304])
def test_204_and_304_have_no_body_and_keep_the_connection(server: ServerClient, code: int) -> None:
    with server.connected() as connection:
        for _ in range(3):
            connection.send(wire(Request("GET", f"/response/{code}")))
            response = connection.response()
            assert (response.status, response.body) == (code, b"")
            assert not response.all("transfer-encoding")


@pytest.mark.parametrize(
    ("method", "target"),
    [("HEAD", "/native/dict"), ("HEAD", "/response/200"), ("HEAD", "/response/404"), ("HEAD", "/nothing")],
)
def test_head_has_no_body_but_its_length(server: ServerClient, method: str, target: str) -> None:
    with server.connected() as connection:
        connection.send(wire(Request("HEAD", target)))
        head = connection.response("HEAD")
        connection.send(wire(Request("GET", target)))
        get = connection.response()
    assert (head.status, head.body, head.header("content-length")) == (get.status, b"", str(len(get.body)))


def test_head_has_no_body_with_mangum_either(clients) -> None:
    assert clients.open("mangum", RESPONSES).request("HEAD", "/native/dict").body == b""


@pytest.mark.parametrize(
    "accept", ["*/*", "image/png", "text/html, image/png;q=0.8", "image/gif, */*;q=0.1", "application/octet-stream"]
)
def test_a_client_that_accepts_the_binary_type_gets_bytes(client: Client, accept: str) -> None:
    response = client.get("/bytes", ("Accept", accept))
    assert (response.status, response.header("content-type"), response.body) == (200, "image/png", ICON)


@pytest.mark.parametrize("headers", [[], [("Accept", "text/html")]])
def test_any_other_client_gets_chalices_400(client: Client, headers: list[tuple[str, str]]) -> None:
    response = client.request("GET", "/bytes", headers)
    assert (response.status, response.json()["Code"]) == (400, "BadRequest")


def test_each_cookie_is_a_header_of_its_own(client: Client) -> None:
    """The values of `multiValueHeaders` come first, then those of `headers`."""
    assert client.get("/cookies").all("set-cookie") == ["a=1; Path=/", "b=2, 3; Secure", "c=4"]


def test_header_values_are_written_as_in_json(client: Client) -> None:
    response = client.get("/stringified")
    assert [response.header(name) for name in ("x-number", "x-true", "x-fraction")] == ["7", "true", "1.5"]


def test_the_apps_headers_of_the_connection_are_dropped(server: ServerClient) -> None:
    with server.connected() as connection:
        for _ in range(2):
            connection.send(wire(Request("GET", "/own-headers")))
            response = connection.response()
            assert (response.body, response.header("content-length"), response.header("x-lower")) == (b"x", "1", "1")
            assert not [name for name in ("connection", "transfer-encoding", "keep-alive") if response.all(name)]


def test_text_beyond_latin_1_is_sent_as_utf_8(server: ServerClient) -> None:
    text = server.get("/own-headers").header("x-text")
    assert text is not None
    assert text.encode("latin-1").decode() == "\u2713"


def test_bytes_and_a_status_as_text_are_accepted(gateway: Client) -> None:
    response = gateway.get("/raw")
    assert (response.status, response.body) == (200, b"bytes")


@pytest.mark.parametrize("how", range(len(MALFORMED)), ids=MALFORMED)
def test_a_result_that_is_not_a_response_gets_502(gateway: Client, how: int) -> None:
    response = gateway.get(f"/malformed/{how}")
    assert (response.status, response.json()) == BAD_GATEWAY
    assert response.header("content-type") == "application/json"
