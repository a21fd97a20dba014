"""What can be seen of each batch: a log line and metrics."""

import logging
from collections.abc import Sequence
from dataclasses import asdict, dataclass

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

from fargate.queues.sources import Source

logger = logging.getLogger("fargate")

BATCH = "batch"
"""The field that only these lines have."""

DURATIONS = (0.01, 0.03, 0.1, 0.3, 1, 3, 10, 30, 100, 300, 900)
OUTCOMES = ("success", "failure")

NAMED_AT_MOST = 10
"""So many of the failed messages a line names: a batch may have 10,000."""


@dataclass(frozen=True, slots=True)
class BatchRecord:
    """One batch and how it ended."""

    queue: str
    handler: str
    size: int
    failures: int
    duration_ms: float
    oldest_age_seconds: float  # since its oldest message was sent, when the handler was called
    failed_ids: Sequence[str] = ()  # of the first messages that failed, at most NAMED_AT_MOST


class BatchMetrics:
    """The metrics of all queues.

    Args:
        registry: where they are registered.
    """

    def __init__(self, registry: CollectorRegistry) -> None:
        labels = ("queue", "handler")
        self._messages = Counter(
            "queue_messages", "Messages that a handler was called for.", (*labels, "outcome"), registry=registry
        )
        self._duration = Histogram(
            "queue_batch_duration_seconds", "Time of a handler's call.", labels, buckets=DURATIONS, registry=registry
        )
        self._age = Gauge(
            "queue_oldest_message_age_seconds",
            "Age of the oldest message of the last batch, when its handler was called.",
            labels,
            registry=registry,
        )

    def begin(self, source: Source, queue: str) -> None:
        """Make the series of a queue, at 0: a series that first appears at 3 has no rate."""
        labels = (queue, source.handler.name)
        for outcome in OUTCOMES:
            self._messages.labels(*labels, outcome)
        self._duration.labels(*labels)
        self._age.labels(*labels)

    def record(self, record: BatchRecord) -> None:
        """Count a batch, and write its line."""
        labels = (record.queue, record.handler)
        self._messages.labels(*labels, "failure").inc(record.failures)
        self._messages.labels(*labels, "success").inc(record.size - record.failures)
        self._duration.labels(*labels).observe(record.duration_ms / 1000)
        self._age.labels(*labels).set(record.oldest_age_seconds)
        level = logging.WARNING if record.failures else logging.INFO
        text = "Queue %s: %d messages for %s, %d failed"
        logger.log(
            level,
            text,
            record.queue,
            record.size,
            record.handler,
            record.failures,
            extra={BATCH: asdict(record)},
        )
