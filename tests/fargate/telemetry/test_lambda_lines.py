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
app(json.load(sys.stdin), SimpleNamespace(aws_request_id="x", function_name="shop"))
"""


def on_lambda(request: Request, pattern: str, environ: dict[str, str]) -> dict[str, Any]:
    """Serve one event as Lambda does, and return its log line."""
    event = rest_event(request, pattern, {"id": request.path.rpartition("/")[2]} if "{id}" in pattern else None)
    run = subprocess.run(
        [sys.executable, "-c", HANDLER],
        input=json.dumps(event),
        cwd=ROOT,
        env={**passed_on(), **environ},
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    (line,) = [json.loads(line) for line in run.stdout.splitlines() if '"http"' in line]
    found: dict[str, Any] = line
    return found


@pytest.mark.parametrize(
    ("request_", "pattern"),
    [
        (Request("GET", "/product/1", [("X-Request-Id", "order-42")]), "/product/{id}"),
        (Request("HEAD", "/product/0"), "/product/{id}"),
        (Request("GET", "/products"), "/products"),
        (Request("POST", "/data", [("x-api-key", KEY), ("Content-Type", "application/json")], b"{}"), "/data"),
    ],
)
def test_lambda_and_container_write_the_same_fields(
    server: Server, client: httpx.Client, stores: dict[str, str], request_: Request, pattern: str
) -> None:
    body = {"id": 1, "name": "a kettle", "price": 20}
    assert client.post("/data", json=body, headers={"x-api-key": KEY}).status_code in (200, 201)
    answer = client.request(
        request_.method, request_.target, headers=dict(request_.headers), content=request_.body or None
    )
    there = line_of(server, answer.headers["x-amzn-requestid"])
    here = on_lambda(request_, pattern, stores)
    assert set(here) == set(there)
    assert set(here["http"]) == set(there["http"])
    for name in ("level", "message", "service"):
        assert here[name] == there[name]
    for name in ("method", "route", "status", "bytes"):
        assert here["http"][name] == there["http"][name]


@pytest.fixture
def stores(module_database_url: str, module_redis_url: str) -> dict[str, str]:
    return {"DATABASE_URL": module_database_url, "REDIS_URL": module_redis_url}
