"""Powertools' logger, tracer and metrics under Mangum work with the context and the trace that Lambda gives."""

import json
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from tests.contract.clients.events import TRACE, rest_event
from tests.contract.clients.messages import Request
from tests.fixtures.servers import ROOT, passed_on

PROJECT = ROOT / "tests" / "apps" / "projects" / "orders"
PARENT = "53995c3f42cd8ad8"
FUNCTION = """
import json, os, sys
from awslambdaric.lambda_context import LambdaContext
from mangum import Mangum
from app import app
from fargate.asgi import create_asgi_app

handler = Mangum(create_asgi_app(app))
for number, event in enumerate(json.load(sys.stdin)):
    os.environ["_X_AMZN_TRACE_ID"] = event["headers"]["X-Amzn-Trace-Id"]  # as Lambda's runtime client does
    print(json.dumps(handler(event, LambdaContext(f"invocation-{number}", None, None, 0, "arn:of:orders"))))
"""


class Invoked(NamedTuple):
    """What two invocations of a function wrote."""

    lines: list[dict[str, Any]]
    subsegments: list[dict[str, Any]]

    def having(self, name: str) -> list[Any]:
        """Return the values of a field, in the order of the lines that have it."""
        return [line[name] for line in self.lines if name in line]


def event(number: int) -> dict[str, Any]:
    trace = f"{TRACE[:-1]}{number};Parent={PARENT};Sampled=1"
    event: dict[str, Any] = rest_event(Request("GET", f"/orders/{number}"))
    event["headers"]["X-Amzn-Trace-Id"] = trace
    event["multiValueHeaders"]["X-Amzn-Trace-Id"] = [trace]
    return event


def environ(daemon: int, task: Path) -> dict[str, str]:
    return {
        **passed_on(),
        "PYTHONPATH": str(ROOT),
        "LAMBDA_TASK_ROOT": str(task),
        "AWS_LAMBDA_FUNCTION_NAME": "orders",
        "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": "1024",
        "AWS_XRAY_DAEMON_ADDRESS": f"127.0.0.1:{daemon}",
    }


def received(daemon: socket.socket) -> Iterator[dict[str, Any]]:
    """Read the subsegments that have arrived; each follows a line with a header."""
    daemon.setblocking(False)
    try:
        while True:
            yield json.loads(daemon.recv(65536).splitlines()[1])
    except BlockingIOError:
        return


@pytest.fixture(scope="module")
def invoked(tmp_path_factory: pytest.TempPathFactory) -> Invoked:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as daemon:
        daemon.bind(("127.0.0.1", 0))
        ended = subprocess.run(
            [sys.executable, "-c", FUNCTION],
            cwd=PROJECT,
            env=environ(daemon.getsockname()[1], tmp_path_factory.mktemp("task")),
            input=json.dumps([event(0), event(1)]),
            capture_output=True,
            text=True,
            check=True,
            timeout=60,
        )
        lines = [json.loads(line) for line in ended.stdout.splitlines() if line.startswith("{")]
        return Invoked(lines, list(received(daemon)))


def test_both_are_answered(invoked: Invoked) -> None:
    assert invoked.having("body") == ['{"price":7}'] * 2


def test_log_lines_name_the_function_and_the_invocation(invoked: Invoked) -> None:
    assert invoked.having("function_request_id") == ["invocation-0", "invocation-1"]
    assert invoked.having("cold_start") == [True, False]
    assert invoked.having("function_arn") == ["arn:of:orders"] * 2
    assert invoked.having("function_memory_size") == ["1024"] * 2


def test_log_lines_name_the_trace_that_lambda_records(invoked: Invoked) -> None:
    assert invoked.having("xray_trace_id") == [f"{TRACE[5:-1]}{number}" for number in range(2)]


def test_subsegments_belong_to_lambdas_segment(invoked: Invoked) -> None:
    handlers = [each for each in invoked.subsegments if each["name"] == "## capture_lambda_handler"]
    assert [(each["trace_id"], each["parent_id"]) for each in handlers] == [
        (f"{TRACE[5:-1]}{number}", PARENT) for number in range(2)
    ]
    methods = [each for each in invoked.subsegments if each["name"] == "## app.price"]
    assert [each["parent_id"] for each in methods] == [each["id"] for each in handlers]


def test_metrics_are_written_after_each_invocation(invoked: Invoked) -> None:
    assert (invoked.having("Ordered"), invoked.having("ColdStart")) == ([[1.0]] * 2, [[1.0]])
    assert [line["function_name"] for line in invoked.lines if "ColdStart" in line] == ["orders"]
