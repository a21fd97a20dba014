"""Each patch is still needed. A test fails when the library does by itself what the patch does: drop the patch then."""

import inspect
import subprocess
import sys
from contextvars import Context
from typing import Any

import pytest
from chalice import app as chalice_app
from chalice.app import Chalice
from chalice.test import Client
from granian.server.embed import Server
from waitress import rfc7230

UNPATCHED = """
import contextvars, sys, threading
from aws_lambda_powertools import Logger, Metrics, Tracer

tracer = Tracer(service="x")
print(tracer.disabled, "aws_xray_sdk.core" in sys.modules)

logger = Logger(service="x")
contextvars.Context().run(logger.append_keys, user="ann")
print(contextvars.Context().run(logger.get_current_keys).get("user"))

metrics = Metrics(namespace="x", service="x")
contextvars.Context().run(metrics.add_dimension, "user", "ann")
print(contextvars.Context().run(lambda: metrics.provider.dimension_set).get("user"))

from aws_lambda_powertools.utilities.batch import BatchProcessor, EventType
processor = BatchProcessor(EventType.SQS)
contextvars.Context().run(processor, ["ann"], print)
print(*contextvars.Context().run(lambda: processor.records))

from aws_lambda_powertools.utilities.idempotency import BasePersistenceLayer, IdempotencyConfig
BasePersistenceLayer.__abstractmethods__ = frozenset()
layer = BasePersistenceLayer()
contextvars.Context().run(layer.configure, IdempotencyConfig(), key_prefix="ann")
print(contextvars.Context().run(lambda: layer.function_name))

from aws_xray_sdk.core import xray_recorder
print(type(xray_recorder.context._local) is threading.local)
"""


@pytest.fixture(scope="module")
def unpatched() -> list[str]:
    """What the libraries do in a process without any patch."""
    run = subprocess.run([sys.executable, "-c", UNPATCHED], capture_output=True, text=True, check=True, timeout=60)
    return run.stdout.split()


def test_isolation() -> None:
    app: Any = Chalice("shared")
    Context().run(setattr, app, "current_request", "of one user")
    assert Context().run(getattr, app, "current_request") == "of one user", "Chalice keeps requests apart"


def test_websocket_client() -> None:
    api = chalice_app.WebsocketAPI()
    api.configure("host", "api")
    with pytest.raises(ValueError, match="session"):
        api.send("id", "message")
    assert not [name for name in vars(api) if "client" in name and not name.startswith("_")], (
        "a client can be handed in"
    )


def test_content_types(monkeypatch: pytest.MonkeyPatch) -> None:
    matched: list[str] = []
    monkeypatch.setattr(chalice_app, "_matches_content_type", lambda kind, _: matched.append(kind) or True)
    app = Chalice("counted")
    app.route("/")(lambda: {})
    with Client(app) as client:
        client.http.get("/")
    assert len(matched) >= 3, "Chalice matches content types less often: measure what the patch still gains"


def test_powertools_tracer(unpatched: list[str]) -> None:
    assert unpatched[0] == "True", "a Tracer is enabled outside Lambda"
    assert unpatched[1] == "True", "a Tracer does not import the X-Ray SDK"


def test_powertools_logger(unpatched: list[str]) -> None:
    assert unpatched[2] == "ann", "append_keys keeps its keys per request"


def test_powertools_metrics(unpatched: list[str]) -> None:
    assert unpatched[3] == "ann", "Metrics keeps dimensions per request"


def test_powertools_batch(unpatched: list[str]) -> None:
    assert unpatched[4] == "ann", "a batch processor keeps its batch per call"


def test_powertools_idempotency(unpatched: list[str]) -> None:
    assert unpatched[5] == "ann", "a persistence layer keeps the function's name per call"


def test_xray_sdk(unpatched: list[str]) -> None:
    assert unpatched[6] == "True", "the SDK does not keep open segments per thread"


@pytest.mark.skipif(sys.version_info >= (3, 14), reason="no thread gets a loop for asking, not even the main one")
def test_event_loops() -> None:
    code = "import asyncio, concurrent.futures as f; f.ThreadPoolExecutor(1).submit(asyncio.get_event_loop).result()"
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60)
    assert "There is no current event loop in thread" in run.stderr, "asyncio makes a loop for every thread"


def test_granian_socket() -> None:
    parameters = set(inspect.signature(Server.__init__).parameters)
    assert not parameters & {"fd", "listener", "sock", "socket", "sockets"}, "granian takes a listening socket"


def test_waitress_chunks() -> None:
    patterns = (rfc7230.ONLY_HEXDIG_RE, b"5\n"), (rfc7230.CHUNK_EXT_RE, b";a=b\n")
    assert all(pattern.match(line) for pattern, line in patterns), "waitress refuses a line feed there"
