"""What /metrics and the log say of WebSockets, and what happens if there are too many of them."""

import json
from collections import Counter
from contextlib import ExitStack

import httpx
import pytest
from prometheus_client.parser import text_string_to_metric_families
from websockets.exceptions import ConnectionClosed, InvalidStatus

from local.waiting import wait_until
from tests.fargate.websockets.conftest import SECONDS, Sockets, serving_sockets
from tests.fargate.websockets.wire import frame, handshake, raw, read_until

Samples = dict[tuple[str, ...], float]


def samples(sockets: Sockets) -> Samples:
    """Return the samples that are not 0, by their names without `websocket_`, and their labels' values."""
    page = httpx.get(f"{sockets.server.url}/metrics").text
    found = [each for family in text_string_to_metric_families(page) for each in family.samples]
    ours = [each for each in found if each.name.startswith("websocket_") and each.value]
    return {(each.name.removeprefix("websocket_"), *each.labels.values()): each.value for each in ours}


def test_connections_handshakes_messages_and_ends_are_counted() -> None:
    with serving_sockets() as sockets:
        assert samples(sockets) == {}
        with sockets.connect() as client:
            sockets.ask(client, "id")
            sockets.ask(client, "raise it")
            httpx.post(f"{sockets.server.url}/go-on")
            client.send("wait")
            assert samples(sockets)["connections_open",] == 1
            client.close(4711)
        with sockets.connect() as binary:
            binary.send(b"x")
            with pytest.raises(ConnectionClosed):
                binary.recv(SECONDS)
        with pytest.raises(InvalidStatus):
            sockets.connect("/?status=400")
        with raw(sockets) as wire:
            wire.sendall(handshake().replace(b"Version: 13", b"Version: 12"))
            read_until(wire, b"")
        counted = {
            ("handshakes_total", "accepted"): 2,
            ("handshakes_total", "refused"): 1,
            ("handshakes_total", "malformed"): 1,
            ("messages_total", "received"): 3,
            ("messages_total", "sent"): 2,
            ("closes_total", "1003"): 1,
            ("closes_total", "other"): 1,
        }
        assert wait_until(lambda: samples(sockets) == counted, SECONDS), samples(sockets)


def test_messages_share_log_lines_as_requests_do() -> None:
    settings = {"ACCESS_LOG_LINES_PER_SECOND": "3", "ACCESS_LOG_ONE_IN": "50"}
    with serving_sockets(**settings) as sockets:
        with sockets.connect() as client:
            for _ in range(120):
                sockets.ask(client, "message")
            for _ in range(3):
                sockets.ask(client, "raise it")
        sockets.server.awaited_output("on_ws_message message error")
        sockets.server.process.terminate()
        sockets.server.process.wait(SECONDS)
        lines = [json.loads(line) for line in sockets.server.output().splitlines() if '"invocation":' in line]
    weights = Counter[str]()
    for line in lines:
        weights[line["message"]] += line.get("weight", 1)
    assert weights == {
        "on_ws_connect connect success": 1,
        "on_ws_message message success": 120,
        "on_ws_message message error": 3,
        "on_ws_disconnect disconnect success": 1,
    }
    assert len([line for line in lines if line["message"] == "on_ws_message message error"]) == 3
    assert len(lines) < 60
    assert {line["invocation"]["kind"] for line in lines} == {"on_ws_connect", "on_ws_message", "on_ws_disconnect"}


def connect_many(sockets: Sockets, stack: ExitStack) -> None:
    """Open WebSockets, which the stack closes, until one is refused."""
    while True:
        stack.enter_context(sockets.connect())


def test_connections_leave_file_descriptors_for_requests() -> None:
    """Else probes would fail, and the load balancer would end a task that holds all these connections."""
    with serving_sockets(prefix=["sh", "-c", 'ulimit -n 100; exec "$0" "$@"']) as sockets, ExitStack() as stack:
        with pytest.raises(InvalidStatus) as refused:
            connect_many(sockets, stack)
        assert (refused.value.response.status_code, refused.value.response.headers["Retry-After"]) == (503, "1")
        held = samples(sockets)["connections_open",]
        assert 0 < held < 75
        assert samples(sockets)["handshakes_total", "full"] == 1
        with raw(sockets) as wire:
            stack.pop_all().close()
            assert wait_until(lambda: ("connections_open",) not in samples(sockets), SECONDS)
            wire.sendall(handshake() + frame(b"again"))
            assert read_until(wire, b"again").startswith(b"HTTP/1.1 101 ")
