"""A request's line has the same fields on Lambda as in a container."""

import json
import subprocess
import sys
from typing import Any

import httpx
import pytest

from tests.contract.clients.events import rest_event
from tests.contract.clients.messages import Request
from tests.fargate.telemetry.conftest import KEY
from tests.fargate.telemetry.lines import line_of
from tests.fixtures.servers import ROOT, Server, passed_on

HANDLER = """
import json, os, sys
os.environ["AWS_LAMBDA_FUNCTION_NAME"] = "shop"
os.environ["_X_AMZN_TRACE_ID"] = "Root=1-67891233-abcdef012345678912345678;Sampled=0"
from types import SimpleNamespace
from app import app
for event in json.load(sys.stdin):
    app(event, SimpleNamespace(aws_request_id="x", function_name="shop"))
"""
JSON = [("x-api-key", KEY), ("Content-Type", "application/json")]
REQUESTS = [
    (Request("POST", "/data", JSON, b'{"id": 1, "name": "a kettle", "price": 20}'), "/data"),
    (Request("GET", "/product/1", [("X-Request-Id", "order-42")]), "/product/{id}"),
    (Request("HEAD", "/product/0"), "/product/{id}"),
    (Request("GET", "/products"), "/products"),
    (Request("POST", "/data", JSON, b"{}"), "/data"),
]


@pytest.fixture(scope="module")
def lines_on_lambda(module_database_url: str, module_redis_url: str) -> list[dict[str, Any]]:
    """Serve the requests as Lambda does, in one process, and return their lines."""
    environ = {"DATABASE_URL": module_database_url, "REDIS_URL": module_redis_url}
    run = subprocess.run(
        [sys.executable, "-c", HANDLER],
        input=json.dumps([event_of(request, pattern) for request, pattern in REQUESTS]),
        cwd=ROOT,
        env={**passed_on(), **environ},
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    return [json.loads(line) for line in run.stdout.splitlines() if '"http"' in line]


def event_of(request: Request, pattern: str) -> dict[str, Any]:
    return rest_event(request, pattern, {"id": request.path.rpartition("/")[2]} if "{id}" in pattern else None)


def test_lambda_and_container_write_the_same_fields(
    server: Server, client: httpx.Client, lines_on_lambda: list[dict[str, Any]]
) -> None:
    assert len(lines_on_lambda) == len(REQUESTS)
    for (request, _), here in zip(REQUESTS[1:], lines_on_lambda[1:], strict=True):
        answer = client.request(
            request.method, request.target, headers=dict(request.headers), content=request.body or None
        )
        there = line_of(server, answer.headers["x-amzn-requestid"])
        assert set(here) == set(there)
        assert set(here["http"]) == set(there["http"])
        for name in ("level", "message", "service"):
            assert here[name] == there[name]
        for name in ("method", "route", "status", "bytes"):
            assert here["http"][name] == there["http"][name]
