"""Powertools' Tracer and the X-Ray SDK add to the request's segment in handlers."""

import json
import time
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from fargate.telemetry.xray.entities import Segment
from tests.fargate.telemetry.xray.daemon import Daemon, listening_daemon
from tests.fixtures.servers import Server, serving

RECORDED, UNRECORDED = "1", "0"


@pytest.fixture(scope="module")
def daemon() -> Iterator[Daemon]:
    with listening_daemon() as daemon:
        yield daemon


@pytest.fixture(scope="module")
def server(daemon: Daemon) -> Iterator[Server]:
    with serving({"AWS_XRAY_DAEMON_ADDRESS": daemon.address}, "tests.fargate.telemetry.xray.traced:app") as server:
        yield server


def ask(server: Server, path: str, sampled: str = RECORDED) -> tuple[httpx.Response, str]:
    """Return the response and its trace id."""
    trace_id = f"1-{int(time.time()):08x}-{time.monotonic_ns():024x}"
    headers = {"X-Amzn-Trace-Id": f"Root={trace_id};Sampled={sampled}"}
    return httpx.get(server.url + path, headers=headers, timeout=30), trace_id


def recorded(server: Server, daemon: Daemon, path: str) -> dict[str, Any]:
    return daemon.receive(ask(server, path)[1])


def tree(entity: dict[str, Any]) -> dict[str, Any]:
    """Return the names of an entity's subsegments."""
    return {each["name"].rpartition(".")[2]: tree(each) for each in entity.get("subsegments", [])}


def test_a_recorded_request_needs_no_sdk(daemon: Daemon) -> None:
    """Importing the SDK would delay the first recorded request by a third of a second."""
    with serving({"AWS_XRAY_DAEMON_ADDRESS": daemon.address}, "tests.fargate.telemetry.xray.traced:app") as server:
        for path in ("/priced/7", "/awaited", "/late"):
            answer, trace_id = ask(server, path)
            daemon.receive(trace_id)
        assert answer.json() == {"sdk": False}


def test_methods_are_subsegments_with_their_annotations(server: Server, daemon: Daemon) -> None:
    segment = recorded(server, daemon, "/priced/7")
    assert segment["annotations"]["asked"] == "7"
    (priced,) = segment["subsegments"]
    (shipped,) = priced["subsegments"]
    assert priced["name"] == "## tests.fargate.telemetry.xray.traced.priced"
    assert priced["annotations"] == {"number": 7}
    assert priced["metadata"] == {"default": {"order": {"lines": [7], "by": {"name": "ann"}}}}, "and not the result"
    assert shipped["parent_id"] == priced["id"]
    for each in (priced, shipped):
        assert (each["type"], each["namespace"], each["in_progress"]) == ("subsegment", "local", False)
        assert each["trace_id"] == segment["trace_id"]
        assert segment["start_time"] <= each["start_time"] <= each["end_time"] <= segment["end_time"]


def test_coroutines_and_context_managers_are_subsegments_too(server: Server, daemon: Daemon) -> None:
    assert tree(recorded(server, daemon, "/awaited")) == {"opened": {"awaited": {"## inside": {}}}}


def test_an_exception_is_recorded_where_it_was_raised(server: Server, daemon: Daemon) -> None:
    segment = recorded(server, daemon, "/fails")
    assert segment["fault"] is True
    outer, inner = segment["subsegments"][0], segment["subsegments"][0]["subsegments"][0]
    assert outer["fault"] is inner["fault"] is True
    (exception,) = inner["cause"]["exceptions"]
    assert (exception["type"], exception["message"], exception["remote"]) == ("ValueError", "no stock", False)
    assert exception["stack"][-1]["path"] == "traced.py"
    assert exception["stack"][-1]["label"] == "failing"
    assert outer["cause"] == exception["id"], "the outer subsegment refers to it"


def test_a_tracer_created_in_a_handler_works(server: Server, daemon: Daemon) -> None:
    assert recorded(server, daemon, "/late")["annotations"]["made"] == "late"


def test_calls_of_a_library_that_the_sdk_traces_are_subsegments(server: Server, daemon: Daemon) -> None:
    assert tree(recorded(server, daemon, "/patched")) == {"outer": {":memory:": {}}}


def test_the_sdks_own_recorder_adds_to_the_same_segment(daemon: Daemon) -> None:
    with serving({"AWS_XRAY_DAEMON_ADDRESS": daemon.address}, "tests.fargate.telemetry.xray.traced:app") as server:
        ask(server, "/sdk", UNRECORDED)  # the handler imports it; the adapter configures it at the next request
        segment = recorded(server, daemon, "/sdk")
    assert tree(segment) == {"outer": {"priced": {"shipped": {}}, "inner": {}}}
    (outer,) = segment["subsegments"]
    assert outer["annotations"] == {"of": "the SDK"}
    assert outer["subsegments"][1]["namespace"] == "remote"


@pytest.mark.parametrize("path", ["/priced/7", "/awaited", "/late", "/patched", "/sdk"])
def test_a_request_that_is_not_recorded_gets_the_same_response(server: Server, path: str) -> None:
    ask(server, "/sdk")
    assert ask(server, path, UNRECORDED)[0].text == ask(server, path)[0].text


def test_switched_off_a_tracer_does_nothing(daemon: Daemon) -> None:
    with serving({"POWERTOOLS_TRACE_DISABLED": "true"}, "tests.fargate.telemetry.xray.traced:app") as server:
        for path in ("/priced/7", "/awaited", "/late", "/patched"):
            answer, _ = ask(server, path)
            assert answer.status_code == 200
        assert answer.json() == {"sdk": False}


def test_values_that_json_cannot_hold_are_converted_or_dropped() -> None:
    segment = Segment("a?shop", "1-2-3", None)
    segment.put_metadata("odd", {("a", "b"): 1, "kind": int, "bytes": b"x"})
    segment.put_annotation("no spaces", 1)
    segment.put_annotation("numbers", [1])
    document = json.loads(segment.serialize())
    assert document["name"] == "ashop"
    assert document["metadata"]["default"]["odd"] == {"kind": "<class 'int'>", "bytes": "b'x'"}
    assert "annotations" not in document
