"""One line of JSON for each request, with the fields of docs/observability.md, on every server."""

import re
import socket

import httpx
import pytest

from tests.fargate.telemetry.conftest import KEY, SERVERS
from tests.fargate.telemetry.lines import await_line, line_of, lines_of
from tests.fixtures.servers import Server, serving

TRACE_ID = "1-67891233-abcdef012345678912345678"
IDS = {"correlation_id", "xray_trace_id", "request_id"}
FIELDS = {"level", "message", "timestamp", "service", *IDS, "http", "client_ip", "weight"}


def test_the_line_of_a_read(server: Server, client: httpx.Client, product: int) -> None:
    answer = client.get(f"/product/{product}", headers={"X-Amzn-Trace-Id": f"Root={TRACE_ID};Sampled=0"})
    line = line_of(server, answer.headers["x-amzn-requestid"])
    assert set(line) == FIELDS | {"cache"}
    assert line["level"] == "INFO"
    assert line["message"] == "GET /product/{id} 200"
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", line["timestamp"])
    assert line["service"] == "chalice-app"
    assert line["xray_trace_id"] == line["correlation_id"] == TRACE_ID
    assert line["cache"] == answer.headers["x-cache"]
    assert line["client_ip"] == "127.0.0.1"
    assert line["weight"] == 1
    http = line["http"]
    assert set(http) == {"method", "route", "status", "duration_ms", "bytes"}
    assert (http["method"], http["route"], http["status"]) == ("GET", "/product/{id}", 200)
    assert http["bytes"] == len(answer.content)
    assert http["duration_ms"] > 0


def test_the_line_of_a_head_counts_no_body(server: Server, client: httpx.Client, product: int) -> None:
    answer = client.head(f"/product/{product}")
    http = line_of(server, answer.headers["x-amzn-requestid"])["http"]
    assert (http["method"], http["route"], http["status"], http["bytes"]) == ("HEAD", "/product/{id}", 200, 0)


@pytest.mark.parametrize(
    ("method", "path", "headers", "content", "status", "route"),
    [
        ("GET", "/nowhere", {}, b"", 404, "unmatched"),
        ("PATCH", "/data", {}, b"", 405, "unmatched"),
        ("POST", "/data", {}, b"{}", 403, "/data"),
        ("POST", "/data", {"x-api-key": KEY}, b"{}", 400, "/data"),
        ("POST", "/data", {"x-api-key": KEY, "content-type": "text/plain"}, b"{}", 415, "/data"),
        ("GET", "/livez", {}, b"", 200, "/livez"),
        ("GET", "/product/0", {}, b"", 400, "/product/{id}"),
    ],
)
def test_a_refused_request_has_a_line(
    server: Server,
    client: httpx.Client,
    method: str,
    path: str,
    headers: dict[str, str],
    content: bytes,
    status: int,
    route: str,
) -> None:
    defaults = {"content-type": "application/json"} if content else {}
    answer = client.request(method, path, headers={**defaults, **headers}, content=content)
    line = line_of(server, answer.headers["x-amzn-requestid"])
    assert (answer.status_code, line["http"]["status"], line["http"]["route"]) == (status, status, route)
    assert set(line) == FIELDS


def test_a_body_that_is_too_long_has_a_line(module_database_url: str, module_redis_url: str) -> None:
    for name in SERVERS:
        environ = {"DATABASE_URL": module_database_url, "REDIS_URL": module_redis_url, "MAX_BODY_BYTES": "10"}
        with serving(environ, "--server", name) as server:
            assert httpx.post(server.url + "/data", content=b"x" * 11).status_code == 413
            line = await_line(server, lambda line: line.get("http", {}).get("status") == 413)
            assert set(line) == FIELDS
            assert line["http"]["route"] == "unmatched"


def test_the_adapters_own_probes_have_a_route() -> None:
    with serving({}, "tests.apps.todo:app") as server:
        assert httpx.get(f"{server.url}/readyz").status_code == 200
        assert httpx.post(f"{server.url}/readyz").status_code == 405
        for message in ("GET /readyz 200", "POST unmatched 405"):
            assert set(await_line(server, lambda line, message=message: line.get("message") == message)) == FIELDS


def test_bytes_that_are_no_request_have_a_line(server: Server) -> None:
    with socket.create_connection(("127.0.0.1", server.port), timeout=10) as connection:
        connection.sendall(b"what is this\r\n\r\n")
        refusal = connection.recv(1000)
    if b"apigw" in refusal or b'{"message"' in refusal or b"application/json" in refusal:  # else granian has refused it
        line = await_line(server, lambda line: line.get("message") == "_OTHER unmatched 400")
        assert set(line) == FIELDS


@pytest.mark.parametrize(
    ("sent", "correlated"),
    [
        ({"X-Request-Id": "order-42"}, "order-42"),
        ({"X-Request-Id": "order-42", "X-Amzn-Trace-Id": f"Root={TRACE_ID}"}, "order-42"),
        ({"X-Amzn-Trace-Id": f"Root={TRACE_ID}"}, TRACE_ID),
        ({"X-Request-Id": 'no"thing', "X-Amzn-Trace-Id": f"Root={TRACE_ID}"}, TRACE_ID),
        ({"X-Request-Id": "x" * 129, "X-Amzn-Trace-Id": f"Root={TRACE_ID}"}, TRACE_ID),
    ],
)
def test_the_callers_request_id_is_in_the_response_and_on_the_line(
    server: Server, client: httpx.Client, sent: dict[str, str], correlated: str
) -> None:
    answer = client.get("/", headers=sent)
    returned = answer.headers.get("x-request-id") or answer.headers["x-amzn-trace-id"].removeprefix("Root=")
    assert returned == correlated
    assert line_of(server, answer.headers["x-amzn-requestid"])["correlation_id"] == correlated


def test_without_a_request_id_the_correlation_id_is_the_trace_id(server: Server, client: httpx.Client) -> None:
    answer = client.get("/")
    line = line_of(server, answer.headers["x-amzn-requestid"])
    assert line["correlation_id"] == line["xray_trace_id"]
    assert "x-request-id" not in answer.headers
    assert answer.headers["x-amzn-trace-id"] == f"Root={line['xray_trace_id']}"


def test_every_line_is_json_and_every_request_has_one(server: Server, client: httpx.Client) -> None:
    answer = client.get("/products")
    line_of(server, answer.headers["x-amzn-requestid"])
    lines = lines_of(server)
    requests = [line["request_id"] for line in lines if "http" in line]
    assert len(requests) == len(set(requests))
    assert all({"level", "message", "timestamp", "service"} <= set(line) for line in lines)


@pytest.mark.parametrize("name", SERVERS)
def test_a_drained_server_writes_its_last_line(name: str, module_database_url: str, module_redis_url: str) -> None:
    environ = {"DATABASE_URL": module_database_url, "REDIS_URL": module_redis_url}
    with serving(environ, "--server", name) as server:
        answer = httpx.get(server.url + "/products")
        server.process.terminate()
        assert server.process.wait(30) == 0
        lines = lines_of(server)
        assert lines[-1]["message"] == "Stopped"
        assert answer.headers["x-amzn-requestid"] in [line.get("request_id") for line in lines]


@pytest.mark.parametrize(("level", "seen"), [("INFO", True), ("WARNING", False)])
def test_the_level_is_powertools_setting(
    level: str, seen: bool, module_database_url: str, module_redis_url: str
) -> None:
    environ = {"DATABASE_URL": module_database_url, "REDIS_URL": module_redis_url, "POWERTOOLS_LOG_LEVEL": level}
    with serving(environ) as server:
        httpx.get(server.url + "/")
        server.process.terminate()
        assert server.process.wait(30) == 0
        assert ("GET / 200" in server.output()) is seen
