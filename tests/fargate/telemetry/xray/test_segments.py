"""Segments as they are sent, compared with X-Ray's format field by field.

https://docs.aws.amazon.com/xray/latest/devguide/xray-api-segmentdocuments.html
"""

import json
import re
import time

import httpx
import pytest

from fargate.http.messages import HttpRequest
from fargate.telemetry.xray import entities
from fargate.telemetry.xray.entities import MOST_BYTES, MOST_TEXT_BYTES
from fargate.telemetry.xray.segments import MOST_SAMPLED, Sampling, _describe_request
from tests.fargate.telemetry.conftest import KEY
from tests.fargate.telemetry.xray.daemon import Daemon, Segment, listening_daemon
from tests.fixtures.servers import Server, serving
from tests.fixtures.stores import OwnRedis

PARENT = "53995c3f42cd8ad8"


def trace(number: int) -> str:
    """Return a trace id that no other test uses."""
    return f"1-{int(time.time()):08x}-{time.monotonic_ns() % 2**60:015x}{number:09x}"


def recorded(trace_id: str) -> dict[str, str]:
    return {"X-Amzn-Trace-Id": f"Root={trace_id};Parent={PARENT};Sampled=1"}


def test_the_segment_of_a_read(server: Server, client: httpx.Client, daemon: Daemon, product: int) -> None:
    trace_id, began = trace(1), time.time()
    headers = {**recorded(trace_id), "User-Agent": "a browser", "X-Request-Id": "order-42"}
    answer = client.get(f"/product/{product}?secret=1", headers=headers)
    segment = daemon.receive(trace_id)
    assert segment["name"] == "chalice-app"
    assert segment["parent_id"] == PARENT
    assert re.fullmatch("[0-9a-f]{16}", segment["id"])
    assert began - 1 < segment["start_time"] < segment["end_time"] < time.time() + 1
    assert segment["in_progress"] is False
    assert segment["http"] == {
        "request": {
            "method": "GET",
            "url": f"http://127.0.0.1:{server.port}/product/{product}",
            "user_agent": "a browser",
            "client_ip": "127.0.0.1",
        },
        "response": {"status": 200, "content_length": len(answer.content)},
    }
    assert segment["annotations"] == {
        "route": "/product/{id}",
        "product_id": product,
        "cache": answer.headers["x-cache"],
        "request_id": answer.headers["x-amzn-requestid"],
        "correlation_id": "order-42",
    }
    assert not {"error", "fault", "throttle"} & set(segment)


@pytest.mark.parametrize(
    ("name", "value", "fact"),
    [
        ("User-Agent", "é".encode() * 6000, "user_agent"),  # 72,000 bytes as JSON in ASCII
        ("Host", b"h" * 40_000, "url"),
        ("X-Forwarded-Proto", b"h" * 40_000, "url"),
    ],
)
def test_what_a_client_sends_is_cut(client: httpx.Client, daemon: Daemon, name: str, value: bytes, fact: str) -> None:
    trace_id = trace(2)
    headers: list[tuple[bytes, bytes]] = [(k.encode(), v.encode()) for k, v in recorded(trace_id).items()]
    client.get("/livez", headers=[*headers, (name.encode(), value)])
    text = daemon.receive(trace_id)["http"]["request"][fact]
    assert len(text.encode()) <= MOST_TEXT_BYTES
    assert re.search(r"\.\.\. \([0-9]{5} bytes\)$", text)


def test_a_url_has_the_mount_and_the_scheme_of_the_connection() -> None:
    request = HttpRequest("GET", "/x", "", [("Host", "h")], b"", "::1", "HTTP/1.1", 443, mount="/m", scheme="https")
    _describe_request(segment := entities.Segment("x", "1-2-3", None), request)
    assert json.loads(segment.serialize())["http"]["request"]["url"] == "https://h/m/x"


def test_a_segment_that_is_too_long_is_sent_without_its_details(caplog: pytest.LogCaptureFixture) -> None:
    segment = entities.Segment("x", "1-2-3", None)
    segment.put_annotation("route", "/é\ud800")
    segment.put_metadata("much", "é" * 40_000)
    document = json.loads(segment.serialize())
    assert document["annotations"] == {"route": "/é\ud800"}
    assert "metadata" not in document
    assert "without its details" in caplog.text
    segment.put_annotation("more", "x" * MOST_BYTES)
    with pytest.raises(ValueError, match="more than 64000 bytes"):
        segment.serialize()


def test_each_call_of_a_store_is_a_subsegment(client: httpx.Client, daemon: Daemon, product: int) -> None:
    trace_id = trace(2)
    body = {"name": "a pot", "price": 30}
    client.put(f"/product/{product}", json=body, headers={**recorded(trace_id), "x-api-key": KEY})
    segment = daemon.receive(trace_id)
    calls = [(each["name"], each["annotations"]["operation"]) for each in segment["subsegments"]]
    assert calls == [
        ("Redis", "fence"),
        ("PostgreSQL", "UPDATE"),
        ("Redis", "publish"),
    ]
    for each in segment["subsegments"]:
        assert each["namespace"] == "remote"
        assert segment["start_time"] <= each["start_time"] <= each["end_time"] <= segment["end_time"]
    assert len({each["id"] for each in segment["subsegments"]}) == 3


@pytest.mark.parametrize(("path", "flags"), [("/product/0", {"error"}), ("/nowhere", {"error"}), ("/products", set())])
def test_errors_are_marked(client: httpx.Client, daemon: Daemon, path: str, flags: set[str]) -> None:
    trace_id = trace(3)
    client.get(path, headers=recorded(trace_id))
    assert {"error", "fault", "throttle"} & set(daemon.receive(trace_id)) == flags


@pytest.mark.parametrize("sent", ["Root={};Sampled=0", "Root={};Parent=53995c3f42cd8ad8;Sampled=0"])
def test_the_callers_decision_not_to_record_is_kept(client: httpx.Client, daemon: Daemon, sent: str) -> None:
    silent_id, recorded_id = trace(4), trace(5)
    for _ in range(20):
        client.get("/products", headers={"X-Amzn-Trace-Id": sent.format(silent_id)})
    client.get("/products", headers=recorded(recorded_id))
    seen: list[Segment] = []
    while not seen or seen[-1]["trace_id"] != recorded_id:
        seen.append(daemon._next())
    assert silent_id not in [segment["trace_id"] for segment in seen]


def test_an_unavailable_store_is_a_fault(database_url: str, own_redis: OwnRedis) -> None:
    with listening_daemon() as daemon:
        environ = {"DATABASE_URL": database_url, "REDIS_URL": own_redis.url, "API_KEYS": KEY}
        with serving({**environ, "AWS_XRAY_DAEMON_ADDRESS": daemon.address}) as server:
            own_redis.kill()
            trace_id = trace(6)
            body = {"id": 1, "name": "a pot", "price": 30}
            answer = httpx.post(server.url + "/data", json=body, headers={**recorded(trace_id), "x-api-key": KEY})
            assert answer.status_code == 503
            segment = daemon.receive(trace_id)
    assert segment["fault"] is True
    (failed,) = [each for each in segment["subsegments"] if each.get("fault")]
    assert failed["name"] == "Redis"
    assert failed["cause"]["exceptions"][0]["type"]


def test_switched_off_nothing_is_sent(database_url: str, redis_url: str) -> None:
    with listening_daemon() as daemon:
        environ = {"DATABASE_URL": database_url, "REDIS_URL": redis_url, "POWERTOOLS_TRACE_DISABLED": "true"}
        with serving({**environ, "AWS_XRAY_DAEMON_ADDRESS": daemon.address}) as server:
            assert httpx.get(server.url + "/products", headers=recorded(trace(7))).status_code == 200
            assert daemon.has_nothing()


def test_without_a_daemon_requests_are_served(database_url: str, redis_url: str) -> None:
    environ = {"DATABASE_URL": database_url, "REDIS_URL": redis_url, "AWS_XRAY_DAEMON_ADDRESS": "127.0.0.1:9"}
    with serving(environ) as server:
        for number in range(10):
            assert httpx.get(server.url + "/products", headers=recorded(trace(number))).status_code == 200
        assert "Failed to send" not in server.output()


def test_the_callers_decision_is_kept() -> None:
    sampling = Sampling(clock=lambda: 0.0, chance=lambda: 1.0)
    assert sampling.decide("Root=1-67891233-abcdef012345678912345678;Sampled=1")
    assert not sampling.decide("Root=1-67891233-abcdef012345678912345678;Sampled=0")


def test_without_a_decision_the_first_of_each_second_and_a_part_of_the_rest_are_recorded() -> None:
    now, chance = [0.0], [1.0]
    sampling = Sampling(part=0.05, clock=lambda: now[0], chance=lambda: chance[0])
    header = "Root=1-67891233-abcdef012345678912345678"
    assert [sampling.decide(header) for _ in range(3)] == [True, False, False]
    chance[0] = 0.04
    assert sampling.decide(header)
    now[0], chance[0] = 1.0, 1.0
    assert [sampling.decide(header + ";Sampled=?"), sampling.decide(header)] == [True, False]


def test_many_requests_do_not_make_many_segments() -> None:
    now = [0.0]
    sampling = Sampling(part=1.0, clock=lambda: now[0], chance=lambda: 0.5)
    header = "Root=1-67891233-abcdef012345678912345678"
    assert sum(sampling.decide(header) for _ in range(1000)) == MOST_SAMPLED
    assert sampling.decide(header + ";Sampled=1"), "the caller's decision is kept"
    now[0] = 1.0
    assert sum(sampling.decide(header) for _ in range(1000)) == MOST_SAMPLED


def test_a_clock_that_steps_back_does_not_end_a_segment_before_it_starts(monkeypatch: pytest.MonkeyPatch) -> None:
    segment = entities.Segment("x", "1-2-3", None)
    monkeypatch.setattr(time, "time", lambda: segment.start_time - 3600)
    segment.close()
    assert segment.end_time is not None
    assert segment.end_time >= segment.start_time
