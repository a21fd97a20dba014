"""Powertools' Metrics keeps the metrics of requests apart."""

import json
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from aws_lambda_powertools import Metrics
from chalice.app import Chalice, ConvertToMiddleware

from fargate.wsgi import create_wsgi_app
from tests.fixtures.wsgi import call


@pytest.fixture
def metrics() -> Iterator[Metrics]:
    metrics = Metrics(namespace="Shop", service="apart")
    metrics.set_default_dimensions(stage="test")
    yield metrics
    metrics.clear_default_dimensions()
    metrics.clear_metrics()


def counting(metrics: Metrics, both: threading.Barrier) -> Any:
    """Return an app that counts its calls by user, while another request does the same."""
    app = Chalice("counting")
    app.register_middleware(ConvertToMiddleware(metrics.log_metrics), "http")

    @app.route("/{user}")
    def index(user: str) -> dict[str, str]:
        metrics.add_dimension("user", user)
        both.wait()
        Metrics(namespace="Shop", service="apart").add_metric("Calls", "Count", 1)  # it shares all with the other
        metrics.add_metadata("of", user)
        both.wait()
        return {}

    return create_wsgi_app(app)


def written(capsys: pytest.CaptureFixture[str]) -> list[dict[str, Any]]:
    text = capsys.readouterr().out.replace("}{", "}\n{")  # `print` of two threads: both texts, then both ends of lines
    return [json.loads(line) for line in text.splitlines() if "_aws" in line]


def test_two_requests_write_their_own_metrics(metrics: Metrics, capsys: pytest.CaptureFixture[str]) -> None:
    serve = counting(metrics, threading.Barrier(2, timeout=10))
    with ThreadPoolExecutor(2) as pool:
        assert [each.status for each in pool.map(lambda user: call(serve, "GET", f"/{user}"), ("ann", "bob"))] == [
            200
        ] * 2
    lines = sorted(written(capsys), key=lambda line: str(line["user"]))
    assert [(line["user"], line["of"], line["Calls"]) for line in lines] == [("ann", "ann", [1]), ("bob", "bob", [1])]
    assert {line["stage"] for line in lines} == {"test"}


def test_metrics_from_the_start_are_written_once(metrics: Metrics, capsys: pytest.CaptureFixture[str]) -> None:
    serve = counting(metrics, threading.Barrier(1))
    metrics.add_metric("Started", "Count", 1)
    for user in ("ann", "bob"):
        call(serve, "GET", f"/{user}")
    assert [line.get("Started") for line in written(capsys)] == [[1], None]
