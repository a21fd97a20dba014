"""Instrumentation of the stores and the cache: records metrics and traces."""

import time
from collections.abc import Callable
from typing import TypeVar

from chalicelib.errors import CacheUnavailableError
from chalicelib.ports import Fence, Load, ProductCache, Reading
from chalicelib.telemetry.metrics import ShopMetrics
from chalicelib.telemetry.tracing import annotate, traced, traced_async

Answer = TypeVar("Answer")


class StoreInstrumentation:
    """`instrumentation.Instrumentation` for one store.

    Args:
        store: its name in traces, such as `PostgreSQL`.
        system: its name in metrics, such as `postgresql`.
        metrics: the instruments.
        clock: seconds.
    """

    def __init__(
        self, store: str, system: str, metrics: ShopMetrics, clock: Callable[[], float] = time.perf_counter
    ) -> None:
        self._store = store
        self._system = system
        self._metrics = metrics
        self._clock = clock
        self._histograms: dict[str, Callable[[float], None]] = {}  # by operation: `labels` is slow

    def timed(self, operation: str, step: Callable[[], Answer]) -> Answer:
        began = self._clock()
        try:
            return traced(self._store, operation, step)
        finally:
            self.record_duration(operation, self._clock() - began)

    def record_duration(self, operation: str, seconds: float) -> None:
        observe = self._histograms.get(operation) or self._histogram(operation)
        observe(seconds)

    def record_wait(self, seconds: float) -> None:
        self._metrics.pool_wait.observe(seconds)

    def record_pool_timeout(self) -> None:
        self._metrics.pool_timeouts.inc()

    def _histogram(self, operation: str) -> Callable[[float], None]:
        observe: Callable[[float], None] = self._metrics.operations.labels(self._system, operation).observe
        self._histograms[operation] = observe
        return observe


class InstrumentedCache:
    """A `ports.ProductCache` that counts the results of another one."""

    def __init__(self, cache: ProductCache, metrics: ShopMetrics) -> None:
        self._cache = cache
        self._metrics = metrics

    def read(self, product_id: int, load: Load) -> Reading:
        annotate("product_id", product_id)
        reading = self._cache.read(product_id, load)
        self._metrics.cache_requests[reading.result].inc()
        return reading

    def read_from_memory(self, product_id: int) -> Reading | None:
        return self._counted(product_id, self._cache.read_from_memory(product_id))

    async def read_from_loop(self, product_id: int) -> Reading | None:
        reading = await traced_async("Redis", "GETEX", lambda: self._cache.read_from_loop(product_id))
        return self._counted(product_id, reading)

    def _counted(self, product_id: int, reading: Reading | None) -> Reading | None:
        if reading is not None:
            annotate("product_id", product_id)
            self._metrics.cache_requests[reading.result].inc()
        return reading

    def fence(self, product_id: int) -> Fence:
        annotate("product_id", product_id)
        fence = self._count_failure("raise", lambda: self._cache.fence(product_id))
        return InstrumentedFence(fence, self._count_failure)

    def _count_failure(self, stage: str, step: Callable[[], Answer]) -> Answer:
        try:
            return step()
        except CacheUnavailableError:
            self._metrics.fence_failures[stage].inc()
            raise


class InstrumentedFence:
    """A `ports.Fence` that counts at which stage another one fails."""

    def __init__(self, fence: Fence, count_failure: Callable[[str, Callable[[], None]], None]) -> None:
        self._fence = fence
        self._count_failure = count_failure

    def raise_(self) -> None:
        self._count_failure("raise", self._fence.raise_)

    def publish(self, body: bytes | None) -> None:
        self._count_failure("publish", lambda: self._fence.publish(body))

    def lower(self) -> None:
        self._fence.lower()
