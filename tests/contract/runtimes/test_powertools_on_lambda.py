"""An app with Powertools' logger, tracer and metrics, as a Lambda function with Mangum, under AWS's own runtime client.

They work with the context and the trace that Lambda gives.
"""

import json
import socket
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from local.processes import Child, Program
from tests.aws_lambda.runtime_api import ARN, RuntimeApi, serving_runtime_api
from tests.contract.clients.events import TRACE, read_result, rest_event
from tests.contract.clients.messages import Request, Response
from tests.fixtures.servers import ROOT, passed_on

PROJECT = ROOT / "tests" / "apps" / "projects" / "orders"
ROOTS = [f"{TRACE[:-1]}{number}" for number in range(2)]
PARENT = "53995c3f42cd8ad8"


class Invoked(NamedTuple):
    """What two invocations of a function answered and wrote."""

    responses: list[Response]
    lines: list[dict[str, Any]]
    subsegments: list[dict[str, Any]]

    def having(self, name: str) -> list[Any]:
        """Return the values of a field, in the order of the lines that have it."""
        return [line[name] for line in self.lines if name in line]


def function(api: RuntimeApi, daemon: int, folder: Path) -> Program:
    environ = {
        **passed_on(),
        "PYTHONPATH": f"{PROJECT}:{ROOT}",
        "AWS_LAMBDA_RUNTIME_API": api.address,
        "LAMBDA_TASK_ROOT": str(PROJECT),
        "AWS_LAMBDA_FUNCTION_NAME": "orders",
        "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": "1024",
        "AWS_XRAY_DAEMON_ADDRESS": f"127.0.0.1:{daemon}",
    }
    command = [sys.executable, "-m", "awslambdaric", "on_lambda.handler"]
    return Program("the function", command, log=folder / "output", environ=environ, folder=PROJECT)


def ask(api: RuntimeApi, number: int, root: str) -> Response:
    event = rest_event(Request("GET", f"/orders/{number}"))
    return read_result(api.invoke(event, f"{root};Parent={PARENT};Sampled=1"))


def received(daemon: socket.socket) -> Iterator[dict[str, Any]]:
    """Read the subsegments that have arrived; each follows a line with a header."""
    daemon.setblocking(False)
    try:
        while True:
            yield json.loads(daemon.recv(65536).splitlines()[1])
    except BlockingIOError:
        return


@pytest.fixture(scope="module")
def invoked(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Invoked]:
    folder = tmp_path_factory.mktemp("function")
    with serving_runtime_api() as api, socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as daemon:
        daemon.bind(("127.0.0.1", 0))
        child = Child(function(api, daemon.getsockname()[1], folder))
        try:
            responses = [ask(api, number, root) for number, root in enumerate(ROOTS)]
        finally:
            child.end()
        written = (folder / "output").read_text().splitlines()
        yield Invoked(responses, [json.loads(line) for line in written if line[:1] == "{"], list(received(daemon)))


def test_both_are_answered(invoked: Invoked) -> None:
    assert [each.json() for each in invoked.responses] == [
        {"price": 7, "arn": ARN, "in_time": True, "number": str(number)} for number in range(2)
    ]


def test_log_lines_name_the_function_and_the_invocation(invoked: Invoked) -> None:
    assert len(set(invoked.having("function_request_id"))) == 2
    assert invoked.having("cold_start") == [True, False]
    assert invoked.having("function_arn") == [ARN] * 2
    assert invoked.having("function_memory_size") == ["1024"] * 2


def test_log_lines_name_the_trace_that_lambda_records(invoked: Invoked) -> None:
    assert [f"Root={each}" for each in invoked.having("xray_trace_id")] == ROOTS


def test_subsegments_belong_to_lambdas_segment(invoked: Invoked) -> None:
    handlers = [each for each in invoked.subsegments if each["name"] == "## capture_lambda_handler"]
    assert [(f"Root={each['trace_id']}", each["parent_id"]) for each in handlers] == [(root, PARENT) for root in ROOTS]
    methods = [each for each in invoked.subsegments if each["name"] == "## app.price"]
    assert [each["parent_id"] for each in methods] == [each["id"] for each in handlers]


def test_metrics_are_written_after_each_invocation(invoked: Invoked) -> None:
    assert (invoked.having("Ordered"), invoked.having("ColdStart")) == ([[1.0]] * 2, [[1.0]])
    assert [line["function_name"] for line in invoked.lines if "ColdStart" in line] == ["orders"]
