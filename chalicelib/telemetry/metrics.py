"""The shop's Prometheus metrics, in a registry of their own.

No label contains an id, so that the number of series is bounded.

Names follow OpenTelemetry's semantic conventions if there is one:
https://opentelemetry.io/docs/specs/semconv/database/database-metrics/
"""

import os
import resource
from collections.abc import Iterator
from typing import Any

from chalice.app import Response
from prometheus_client import (
    CollectorRegistry,
    Counter,
    GCCollector,
    Histogram,
    PlatformCollector,
    ProcessCollector,
    disable_created_metrics,
)
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from chalicelib import __version__
from chalicelib.database.connection_pool import ConnectionPool
from chalicelib.ports import AuditResult, CacheResult
from chalicelib.stores.circuit_breaker import CircuitBreaker
from chalicelib.telemetry.metrics_format import format_for

SECONDS = (0.0005, 0.001, 0.0025, 0.005, 0.025, 0.1, 0.5)
FENCE_STAGES = ("raise", "publish")


class ShopMetrics:
    """The instruments, registered in `registry`. Thread-safe."""

    def __init__(self, registry: CollectorRegistry) -> None:
        disable_created_metrics()  # type: ignore[no-untyped-call]  # saves a second series for each counter
        requests = Counter(
            "cache_requests", "Reads of a product, by how they were answered.", ["result"], registry=registry
        )
        fences = Counter(
            "cache_fence_failures",
            "Writes that failed because Redis was unavailable.",
            ["stage"],
            registry=registry,
        )
        audits = Counter(
            "cache_audit", "Cached answers that were compared with the database.", ["result"], registry=registry
        )
        self.operations = Histogram(
            "db_client_operation_duration_seconds",
            "Round trips to the stores.",
            ["db_system_name", "db_operation_name"],
            buckets=SECONDS,
            registry=registry,
        )
        self.pool_wait = Histogram(
            "db_client_connection_wait_duration_seconds",
            "How long operations waited for a connection to PostgreSQL.",
            buckets=SECONDS,
            registry=registry,
        )
        self.pool_timeouts = Counter(
            "db_client_connection_timeouts", "Operations that got no connection in time.", registry=registry
        )
        self.local_hits = Counter(
            "cache_local_hits", "Hits that were answered from this task's memory.", registry=registry
        )
        self.cache_requests = {result: requests.labels(result) for result in CacheResult}
        self.cache_audits = {result: audits.labels(result) for result in AuditResult}
        self.fence_failures = {stage: fences.labels(stage) for stage in FENCE_STAGES}
        self.stores = Stores()
        registry.register(self.stores)


class Stores(Collector):
    """Collects the state of the stores: of their circuit breakers and of the connection pool."""

    def __init__(self) -> None:
        self._breakers: dict[str, CircuitBreaker] = {}
        self._pool: ConnectionPool[Any] | None = None

    def add_database(self, pool: ConnectionPool[Any], breaker: CircuitBreaker) -> None:
        self._pool = pool
        self._breakers["postgres"] = breaker

    def add_cache(self, breaker: CircuitBreaker) -> None:
        self._breakers["redis"] = breaker

    def collect(self) -> Iterator[Metric]:
        up = GaugeMetricFamily(
            "store_up", "1 while the store is used, 0 while its circuit breaker is open.", labels=["store"]
        )
        failures = CounterMetricFamily("store_failures", "Requests that the store did not answer.", labels=["store"])
        for store, breaker in self._breakers.items():
            up.add_metric([store], 0 if breaker.is_open else 1)
            failures.add_metric([store], breaker.failures)
        yield up
        yield failures
        if self._pool is not None:
            yield from _connections(self._pool)


def _connections(pool: ConnectionPool[Any]) -> Iterator[Metric]:
    count = GaugeMetricFamily("db_client_connection_count", "Connections to PostgreSQL.", labels=["state"])
    count.add_metric(["used"], pool.checkedout())
    count.add_metric(["idle"], pool.checkedin())
    yield count
    yield GaugeMetricFamily("db_client_connection_max", "The size of the connection pool.", pool.size())


class CpuSplit(Collector):
    """User and system CPU seconds as separate counters, as in Node's prom-client. The Python client has their sum."""

    def collect(self) -> Iterator[Metric]:
        usage = resource.getrusage(resource.RUSAGE_SELF)
        yield CounterMetricFamily("process_cpu_user_seconds", "CPU time outside the kernel.", usage.ru_utime)
        yield CounterMetricFamily("process_cpu_system_seconds", "CPU time inside the kernel.", usage.ru_stime)


def _describe_process(registry: CollectorRegistry) -> None:
    ProcessCollector(registry=registry)
    PlatformCollector(registry=registry)
    GCCollector(registry=registry)
    registry.register(CpuSplit())
    build = GaugeMetricFamily("build_info", "The running version.", labels=["version", "revision"])
    build.add_metric([__version__, os.environ.get("REVISION", "unknown")], 1)
    registry.register(_FixedMetric(build))


class _FixedMetric(Collector):
    def __init__(self, metric: Metric) -> None:
        self._metric = metric

    def collect(self) -> Iterator[Metric]:
        yield self._metric


REGISTRY = CollectorRegistry()
"""The metrics at /metrics. The adapter adds those of the requests."""

METRICS = ShopMetrics(REGISTRY)
_describe_process(REGISTRY)


def metrics_response(accept: str) -> Response:
    """Return the metrics in the format that the Accept header prefers."""
    encode, content_type = format_for(accept)
    return Response(encode(REGISTRY).decode(), {"Content-Type": content_type, "Cache-Control": "no-store"}, 200)
