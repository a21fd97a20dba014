"""What an app may answer with, and what a client receives of it."""

import json

import pytest

from tests.apps.answers import ICON, MALFORMED, NATIVE
from tests.contract.connection import wire
from tests.contract.doors import GATEWAYS, HOMES, SERVERS, Door, ServerDoor, door
from tests.contract.messages import Request

ANSWERS = "tests.apps.answers:app"
BAD_GATEWAY = (502, {"message": "Internal server error"})

any_door = door(ANSWERS, HOMES)
gateway = door(ANSWERS, GATEWAYS)
server = door(ANSWERS, SERVERS)


@pytest.mark.parametrize("form", NATIVE)
def test_a_native_value_is_json(gateway: Door, form: str) -> None:
    answer = gateway.get(f"/native/{form}")
    assert (answer.status, answer.header("content-type")) == (200, "application/json")
    value = NATIVE[form]
    assert answer.body == (value if isinstance(value, str) else json.dumps(value, separators=(",", ":"))).encode()


@pytest.mark.parametrize("code", [200, 201, 202, 299, 301, 400, 404, 418, 429, 500, 503, 599])
def test_a_status_goes_out_as_it_is(any_door: Door, code: int) -> None:
    answer = any_door.get(f"/response/{code}")
    assert (answer.status, answer.body, answer.header("content-type")) == (code, b"said", "text/plain")


@pytest.mark.parametrize("code", [204, 304])
def test_a_status_without_a_body_has_none_and_the_connection_lives(server: ServerDoor, code: int) -> None:
    with server.connected() as connection:
        for _ in range(3):
            connection.send(wire(Request("GET", f"/response/{code}")))
            answer = connection.read()
            assert answer is not None
            assert (answer.status, answer.body) == (code, b"")
            assert not answer.all("transfer-encoding")


@pytest.mark.parametrize(
    ("method", "target"),
    [("HEAD", "/native/dict"), ("HEAD", "/response/200"), ("HEAD", "/response/404"), ("HEAD", "/nothing")],
)
def test_head_never_sends_a_body_and_tells_its_length(server: ServerDoor, method: str, target: str) -> None:
    with server.connected() as connection:
        connection.send(wire(Request("HEAD", target)))
        head = connection.read("HEAD")
        connection.send(wire(Request("GET", target)))
        get = connection.read()
    assert head is not None
    assert get is not None
    assert (head.status, head.body, head.header("content-length")) == (get.status, b"", str(len(get.body)))


def test_head_has_no_body_through_mangum_either(doors) -> None:
    assert doors.open("mangum", ANSWERS).send("HEAD", "/native/dict").body == b""


@pytest.mark.parametrize(
    "accept", ["*/*", "image/png", "text/html, image/png;q=0.8", "image/gif, */*;q=0.1", "application/octet-stream"]
)
def test_whoever_accepts_binary_gets_the_bytes(any_door: Door, accept: str) -> None:
    answer = any_door.get("/bytes", ("Accept", accept))
    assert (answer.status, answer.header("content-type"), answer.body) == (200, "image/png", ICON)


@pytest.mark.parametrize("headers", [[], [("Accept", "text/html")]])
def test_whoever_does_not_is_told_so_by_chalice(any_door: Door, headers: list[tuple[str, str]]) -> None:
    answer = any_door.send("GET", "/bytes", headers)
    assert (answer.status, answer.json()["Code"]) == (400, "BadRequest")


def test_each_cookie_has_a_line_of_its_own(any_door: Door) -> None:
    """`multiValueHeaders` first, then `headers`."""
    assert any_door.get("/cookies").all("set-cookie") == ["a=1; Path=/", "b=2, 3; Secure", "c=4"]


def test_header_values_are_written_as_json_would_carry_them(any_door: Door) -> None:
    answer = any_door.get("/stringified")
    assert [answer.header(name) for name in ("x-number", "x-true", "x-fraction")] == ["7", "true", "1.5"]


def test_headers_of_the_connection_are_the_servers(server: ServerDoor) -> None:
    with server.connected() as connection:
        for _ in range(2):
            connection.send(wire(Request("GET", "/own-headers")))
            answer = connection.read()
            assert answer is not None
            assert (answer.body, answer.header("content-length"), answer.header("x-lower")) == (b"x", "1", "1")
            assert not [name for name in ("connection", "transfer-encoding", "keep-alive") if answer.all(name)]


def test_text_beyond_latin_1_goes_out_as_utf_8(server: ServerDoor) -> None:
    text = server.get("/own-headers").header("x-text")
    assert text is not None
    assert text.encode("latin-1").decode() == "\u2713"


def test_bytes_and_a_status_in_digits_will_do(gateway: Door) -> None:
    answer = gateway.get("/raw")
    assert (answer.status, answer.body) == (200, b"bytes")


@pytest.mark.parametrize("how", range(len(MALFORMED)), ids=MALFORMED)
def test_what_is_no_response_is_answered_502(gateway: Door, how: int) -> None:
    answer = gateway.get(f"/malformed/{how}")
    assert (answer.status, answer.json()) == BAD_GATEWAY
    assert answer.header("content-type") == "application/json"
