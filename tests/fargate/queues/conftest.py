"""Consumers of queues in this process, and what their handlers have written down."""

import contextlib
import json
import os
import queue
import signal
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from prometheus_client import CollectorRegistry

from fargate.handlers.catalog import Handler, find_handler, handlers_of
from fargate.handlers.invocation import Invoker
from fargate.queues.batch_telemetry import BatchMetrics
from fargate.queues.poller import Poller
from fargate.queues.polling import Polling, Signals
from fargate.queues.sources import Source, sources_of
from fargate.queues.sqs import Queues
from fargate.settings import Settings
from fargate.telemetry.event_telemetry import event_telemetry_of
from tests.apps.projects.queues import app as module
from tests.fargate.queues.sqs_server import SqsServer, serving_sqs

WAIT_SECONDS = 20
Records = Callable[[], list[dict[str, Any]]]


@pytest.fixture
def sqs() -> Iterator[SqsServer]:
    with serving_sqs() as server:
        yield server


@pytest.fixture
def record(tmp_path: Path) -> Path:
    """The file that handlers write to."""
    return tmp_path / "record"


@pytest.fixture
def records(record: Path) -> Records:
    """Return what handlers have written down so far."""
    return lambda: [json.loads(line) for line in record.read_text().splitlines()] if record.exists() else []


@pytest.fixture
def pipe(tmp_path: Path) -> Path:
    """A named pipe: a handler that is told to waits until it is written."""
    path = tmp_path / "pipe"
    os.mkfifo(path)
    return path


@pytest.fixture
def handlers() -> list[Handler]:
    return handlers_of(module.app, module.__name__)


class Consumer:
    """A running consumer of one queue in this process."""

    def __init__(self, poller: Poller, stop: threading.Event, drain_seconds: float) -> None:
        self.signals: Signals = queue.SimpleQueue()
        self.has_ended = False
        self.stop = stop
        self._polling = Polling([poller], stop)
        self._thread = threading.Thread(target=self._run, args=(drain_seconds,))

    def start(self) -> None:
        self._thread.start()

    def join(self) -> None:
        self._thread.join(60)
        assert not self._thread.is_alive()

    def _run(self, drain_seconds: float) -> None:
        self.has_ended = self._polling.run(self.signals, drain_seconds)


class Consumers:
    """Starts consumers of the app's handlers."""

    def __init__(self, handlers: list[Handler], registry: CollectorRegistry) -> None:
        self._handlers = handlers
        self.registry = registry

    def source(self, name: str, queue_name: str | None = None, concurrency: int = 1) -> Source:
        """Return the source of a handler, with its own queue or another."""
        handler = find_handler(self._handlers, name, "queues", "dev")
        sources, _ = sources_of([handler], [(handler, queue_name)] if queue_name else [], concurrency)
        return sources[0]

    @contextlib.contextmanager
    def consuming(
        self,
        source: Source,
        drain_seconds: float = 60,
        wait_seconds: int = WAIT_SECONDS,
        clock: Callable[[], float] = time.time,
    ) -> Iterator[Consumer]:
        """Consume a source's queue until the block ends."""
        opened, stop = Queues(10).open(source.queue), threading.Event()
        invoker = Invoker(module.app, "dev", event_telemetry_of(module.app, Settings(powertools_trace_disabled=True)))
        poller = Poller(source, opened, invoker, BatchMetrics(self.registry), stop, wait_seconds, clock)
        consumer = Consumer(poller, stop, drain_seconds)
        consumer.start()
        try:
            yield consumer
        finally:
            consumer.signals.put(signal.SIGTERM)
            consumer.join()


@pytest.fixture
def consumers(handlers: list[Handler], record: Path, monkeypatch: pytest.MonkeyPatch) -> Consumers:
    monkeypatch.setenv("RECORD", str(record))
    return Consumers(handlers, CollectorRegistry())


@pytest.fixture
def on_sqs(sqs: SqsServer, consumers: Consumers, monkeypatch: pytest.MonkeyPatch) -> Consumers:
    """Consumers of queues of the server at the wire."""
    for name, value in sqs.environ.items():
        monkeypatch.setenv(name, value)
    return consumers
