"""An app may answer ahead, and an event loop awaits its answer; what needs more than its handler is never asked for."""

from collections.abc import Iterator

import pytest

from tests.apps.ahead import HANDLER
from tests.contract.doors import ServerDoor
from tests.fargate.telemetry.lines import await_line, line_of
from tests.fixtures.servers import serving

APP = "tests.apps.ahead:app"
LOOPS = ("uvicorn", "granian")
UNRECORDED = {"POWERTOOLS_TRACE_DISABLED": "true", "API_KEYS": "key"}


@pytest.fixture(scope="module", params=[*LOOPS, "waitress"])
def door(request: pytest.FixtureRequest) -> Iterator[ServerDoor]:
    with serving({"SERVER": request.param, **UNRECORDED}, APP) as server:
        yield ServerDoor(server)


@pytest.mark.parametrize(
    ("door", "thread"), [*((kind, b"MainThread") for kind in LOOPS), ("waitress", b"waitress-")], indirect=["door"]
)
def test_what_is_at_hand_is_answered_by_whoever_read_the_request(door: ServerDoor, thread: bytes) -> None:
    answer = door.get("/thing/at-once")
    assert answer.status == 200
    assert answer.body.startswith(thread)


@pytest.mark.parametrize(
    ("door", "body"), [*((kind, b"later") for kind in LOOPS), ("waitress", HANDLER.encode())], indirect=["door"]
)
def test_what_is_at_hand_in_a_moment_is_awaited_where_there_is_a_loop(door: ServerDoor, body: bytes) -> None:
    assert door.get("/thing/later").body == body


@pytest.mark.parametrize("name", ["unknown", "never", "fails"])
def test_what_is_not_at_hand_is_left_to_the_handler(door: ServerDoor, name: str) -> None:
    assert door.get(f"/thing/{name}").body == HANDLER.encode()


def test_a_failure_in_it_is_logged(door: ServerDoor) -> None:
    door.get("/thing/fails")
    line = await_line(door.server, lambda line: "answer ahead" in line["message"])
    assert (line["level"], line["exception_name"]) == ("ERROR", "RuntimeError")


def test_it_is_told_the_headers_in_any_spelling(door: ServerDoor) -> None:
    answer = door.get("/thing/header", ("X-COLOUR", "red"), ("x-colour", "green"))
    assert (answer.body, answer.header("Colour")) == (b"green", "blue")


def test_its_answers_are_read_as_a_handlers_are(door: ServerDoor) -> None:
    assert door.get("/thing/cookies").all("Set-Cookie") == ["a=1", "b=2"]
    assert door.get("/thing/json").json() == {"said": "json"}
    binary = door.get("/thing/bytes", ("Accept", "application/octet-stream"))
    assert (binary.body, binary.header("Content-Type")) == (b"\x00\x01", "application/octet-stream")
    unchanged = door.get("/thing/nothing")
    assert (unchanged.status, unchanged.body, unchanged.header("ETag")) == (304, b"", '"1"')


def test_a_header_that_would_break_the_answer_in_two_never_leaves(door: ServerDoor) -> None:
    answer = door.get("/thing/evil")
    assert (answer.body, answer.all("B")) == (HANDLER.encode(), [])


def test_its_answers_are_named_and_told_of_like_any_other(door: ServerDoor) -> None:
    answer = door.get("/thing/colour", ("X-Request-Id", "order-42"))
    request_id = answer.header("x-amzn-RequestId")
    assert request_id
    assert answer.header("X-Request-Id") == "order-42"
    line = line_of(door.server, request_id)
    assert line["correlation_id"] == "order-42"
    assert line["xray_trace_id"] == (answer.header("X-Amzn-Trace-Id") or "").removeprefix("Root=")
    assert line["http"].pop("duration_ms") > 0
    assert line["http"] == {"method": "GET", "route": "/thing/{name}", "status": 200, "bytes": 4}
    assert line["client_ip"] == "127.0.0.1"


def test_a_key_is_asked_for_before_anything_else(door: ServerDoor) -> None:
    assert door.post("/thing/at-once", b"").status == 403
    assert door.post("/thing/at-once", b"", ("x-api-key", "key")).body == HANDLER.encode()


def test_other_origins_are_answered_by_the_handler(door: ServerDoor) -> None:
    answer = door.get("/cors/at-once")
    assert (answer.body, answer.header("Access-Control-Allow-Origin")) == (HANDLER.encode(), "*")


@pytest.mark.parametrize("kind", [*LOOPS, "waitress"])
def test_what_is_traced_goes_through_the_handler_so_that_its_calls_are_seen(kind: str) -> None:
    with serving({"SERVER": kind}, APP) as server:
        door = ServerDoor(server)
        for sampled, body in (("1", HANDLER.encode()), ("0", b"blue")):
            trace = ("X-Amzn-Trace-Id", f"Root=1-67891233-abcdef012345678912345678;Sampled={sampled}")
            assert door.get("/thing/colour", trace).body == body
