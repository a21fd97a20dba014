"""One request is found by its id in the response, the log line, the segment and the exemplar."""

import time

import httpx

from tests.fargate.telemetry.lines import line_of
from tests.fargate.telemetry.test_metrics import OPENMETRICS
from tests.fargate.telemetry.xray.daemon import Daemon
from tests.fixtures.servers import Server


def test_one_request_is_found_everywhere(server: Server, client: httpx.Client, daemon: Daemon, product: int) -> None:
    trace_id = f"1-{int(time.time()):08x}-{time.monotonic_ns() % 2**60:015x}fff000fff"
    headers = {"X-Amzn-Trace-Id": f"Root={trace_id};Sampled=1", "X-Request-Id": "order-4711"}
    answer = client.get(f"/product/{product}", headers=headers)

    request_id = answer.headers["x-amzn-requestid"]
    assert answer.headers["x-request-id"] == "order-4711"
    assert answer.headers["x-amzn-trace-id"] == f"Root={trace_id}"

    line = line_of(server, request_id)
    assert (line["xray_trace_id"], line["correlation_id"]) == (trace_id, "order-4711")

    segment = daemon.receive(trace_id)
    assert segment["annotations"]["request_id"] == request_id
    assert segment["annotations"]["correlation_id"] == "order-4711"
    assert segment["annotations"]["product_id"] == product
    assert segment["http"]["response"]["status"] == line["http"]["status"] == answer.status_code

    scraped = client.get("/metrics", headers={"accept": OPENMETRICS}).text.splitlines()
    (exemplar,) = [line for line in scraped if trace_id in line]
    assert 'http_route="/product/{id}"' in exemplar
