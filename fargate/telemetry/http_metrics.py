"""Prometheus metrics of requests, with the names and labels of OpenTelemetry's semantic conventions.

What must hold: no label contains an id or a raw path, and clients cannot make the number of series grow without bound.

https://opentelemetry.io/docs/specs/semconv/http/http-metrics/
"""

from collections.abc import Iterator, Mapping, Sized
from weakref import WeakKeyDictionary

from prometheus_client import CollectorRegistry, Gauge, Histogram, disable_created_metrics
from prometheus_client.core import CounterMetricFamily, Metric
from prometheus_client.registry import Collector

from fargate.telemetry.request_counters import RequestCounters
from fargate.telemetry.request_record import OTHER_METHOD, UNMATCHED, RequestRecord
from fargate.telemetry.stdout import BoundedStdout

SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.1, 0.25, 1.0)
MIN_COMBINATIONS = 60
"""Combinations of method, route and status; each has eleven series. Further combinations are counted as one."""

COMBINATIONS_PER_VIEW = 4
"""Combinations allowed for each view of the app, if that is more."""

OVERFLOW = "overflow"

_LABELS = ("http_request_method", "http_route", "http_response_status_code")


class HttpMetrics:
    """Request metrics. Thread-safe.

    Args:
        registry: where the metrics are registered.
        routes: the app's routes, each with its methods.
    """

    def __init__(self, registry: CollectorRegistry, routes: Mapping[str, Sized]) -> None:
        disable_created_metrics()  # type: ignore[no-untyped-call]  # a second series for each, which no dashboard reads
        self._duration = Histogram(
            "http_server_request_duration_seconds",
            "From reading a request to having its answer, by what became of it.",
            _LABELS,
            buckets=SECONDS,
            registry=None,
        )
        registry.register(RequestCounters(self._duration, [*routes, UNMATCHED, OVERFLOW]))
        self._queued = Histogram(
            "http_server_queue_duration_seconds",
            "How long requests waited for a worker thread.",
            buckets=SECONDS,
            registry=registry,
        )
        self._active = Gauge("http_server_active_requests", "Requests being answered now.", registry=registry)
        self._children: dict[tuple[str, str, int], Histogram] = {}
        self._max_children = max(MIN_COMBINATIONS, COMBINATIONS_PER_VIEW * sum(map(len, routes.values())))

    def began(self) -> None:
        self._active.inc()

    def ended(self, record: RequestRecord, trace_id: str | None = None) -> None:
        """Record a request; the id of its trace, if it has one, becomes the exemplar."""
        self._active.dec()
        histogram = self._children.get((record.method, record.route, record.status)) or self._child(record)
        histogram.observe(record.seconds, {"trace_id": trace_id} if trace_id else None)

    def queued(self, seconds: float) -> None:
        """Record how long a request waited for a thread."""
        self._queued.observe(seconds)

    def _child(self, record: RequestRecord) -> Histogram:
        combination = (record.method, record.route, record.status)
        if len(self._children) >= self._max_children:
            combination = (OTHER_METHOD, OVERFLOW, record.status // 100 * 100)
        child: Histogram = self._duration.labels(*combination)
        self._children[combination] = child
        return child


class DroppedLines(Collector):
    """The number of log lines that were dropped."""

    def __init__(self, stdout: BoundedStdout) -> None:
        self._stdout = stdout

    def collect(self) -> Iterator[Metric]:
        yield CounterMetricFamily(
            "log_lines_dropped", "Log lines dropped because standard output was not read.", self._stdout.dropped
        )


_registered: WeakKeyDictionary[CollectorRegistry, HttpMetrics] = WeakKeyDictionary()


def metrics_in(registry: CollectorRegistry, routes: Mapping[str, Sized]) -> HttpMetrics:
    """Return the metrics of a registry; they are registered once, even if several adapters serve the app."""
    known = _registered.get(registry)
    if known is None:
        known = _registered[registry] = HttpMetrics(registry, routes)
    return known
