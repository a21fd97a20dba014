"""The fast path answers what the app has registered for it, and is otherwise like any other way."""

from collections.abc import Iterator

import httpx
import pytest

from tests.apps.fast_path import HANDLER
from tests.contract.clients.client import ServerClient
from tests.fargate.telemetry.lines import await_line, line_of
from tests.fargate.telemetry.xray.daemon import listening_daemon
from tests.fixtures.servers import serving

APP = "tests.apps.fast_path:app"
LOOPS = ("uvicorn", "granian")
TRACE = "1-67891233-abcdef012345678912345678"
UNRECORDED = {"POWERTOOLS_TRACE_DISABLED": "true", "API_KEYS": "key"}


@pytest.fixture(scope="module", params=LOOPS)
def client(request: pytest.FixtureRequest) -> Iterator[ServerClient]:
    with serving({"SERVER": request.param, **UNRECORDED}, APP) as server:
        yield ServerClient(server)


def test_what_is_in_memory_is_answered_by_the_loops_thread(client: ServerClient) -> None:
    answer = client.get("/thing/at-once")
    assert (answer.status, answer.body) == (200, b"MainThread")


def test_what_is_one_await_away_is_awaited(client: ServerClient) -> None:
    assert client.get("/thing/later").body == b"later"


@pytest.mark.parametrize("name", ["unknown", "never", "fails", "fails-later"])
def test_what_is_not_there_is_left_to_the_handler(client: ServerClient, name: str) -> None:
    assert client.get(f"/thing/{name}").body == HANDLER.encode()


def test_a_failure_in_it_is_logged(client: ServerClient) -> None:
    client.get("/thing/fails")
    line = await_line(client.server, lambda line: "fast path failed" in line["message"])
    assert (line["level"], line["exception_name"]) == ("ERROR", "RuntimeError")


def test_it_reads_headers_in_any_spelling(client: ServerClient) -> None:
    answer = client.get("/thing/header", ("X-COLOUR", "red"), ("x-colour", "green"))
    assert (answer.body, answer.header("Colour")) == (b"green", "blue")


def test_it_joins_the_lines_of_a_list(client: ServerClient) -> None:
    answer = client.get("/thing/list", ("x-colours", "red, blue"), ("X-COLOUR", "no"), ("X-Colours", "green"))
    assert answer.json() == {"X-Colours": "red, blue, green", "Host": "shop.example"}


def test_its_answers_are_read_as_a_handlers_are(client: ServerClient) -> None:
    assert client.get("/thing/cookies").all("Set-Cookie") == ["a=1", "b=2"]
    assert client.get("/thing/json").json() == {"said": "json"}
    binary = client.get("/thing/bytes", ("Accept", "application/octet-stream"))
    assert (binary.body, binary.header("Content-Type")) == (b"\x00\x01", "application/octet-stream")
    unchanged = client.get("/thing/nothing")
    assert (unchanged.status, unchanged.body, unchanged.header("ETag")) == (304, b"", '"1"')


def test_a_header_that_would_break_the_answer_in_two_never_leaves(client: ServerClient) -> None:
    answer = client.get("/thing/evil")
    assert (answer.body, answer.all("B")) == (HANDLER.encode(), [])


def test_its_answers_are_named_and_logged_as_any_other(client: ServerClient) -> None:
    answer = client.get("/thing/colour", ("X-Request-Id", "order-42"))
    request_id = answer.header("x-amzn-RequestId")
    assert request_id
    assert answer.header("X-Request-Id") == "order-42"
    line = line_of(client.server, request_id)
    assert line["correlation_id"] == "order-42"
    assert line["xray_trace_id"] == (answer.header("X-Amzn-Trace-Id") or "").removeprefix("Root=")
    assert line["http"].pop("duration_ms") > 0
    assert line["http"] == {"method": "GET", "route": "/thing/{name}", "status": 200, "bytes": 4}
    assert line["client_ip"] == "127.0.0.1"


def test_other_methods_of_a_route_are_left_to_their_handlers(client: ServerClient) -> None:
    assert client.post("/thing/at-once", b"").status == 403
    assert client.post("/thing/at-once", b"", ("x-api-key", "key")).body == HANDLER.encode()
    assert client.get("/cors/at-once").body == HANDLER.encode()


@pytest.mark.parametrize("name", ["context", "context-later"])
def test_each_request_has_a_context_of_its_own(client: ServerClient, name: str) -> None:
    with httpx.Client(base_url=client.server.url) as client:
        assert [client.get(f"/thing/{name}").text for _ in range(3)] == ["nothing"] * 3


def test_what_it_logs_carries_the_ids_of_its_request(client: ServerClient) -> None:
    request_id = client.get("/thing/log").header("x-amzn-RequestId")
    line = await_line(client.server, lambda line: line["message"] == "logged on the fast path")
    assert line["request_id"] == request_id


@pytest.mark.parametrize("kind", LOOPS)
def test_a_traced_request_takes_it_too(kind: str) -> None:
    with (
        listening_daemon() as daemon,
        serving({"SERVER": kind, "AWS_XRAY_DAEMON_ADDRESS": daemon.address}, APP) as one,
    ):
        answer = ServerClient(one).get("/thing/later", ("X-Amzn-Trace-Id", f"Root={TRACE};Sampled=1"))
        assert answer.body == b"later"
        assert daemon.receive(TRACE)["annotations"]["route"] == "/thing/{name}"
