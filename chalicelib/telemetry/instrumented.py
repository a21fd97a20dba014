"""Listens to the stores and the cache, and tells metrics and traces."""

import time
from collections.abc import Callable
from typing import TypeVar

from chalicelib.errors import CacheUnavailableError
from chalicelib.ports import Fence, Load, ProductCache, Reading
from chalicelib.telemetry.metrics import ShopMetrics
from chalicelib.telemetry.tracing import annotate, traced, traced_async

Answer = TypeVar("Answer")


class StoreInstrumentation:
    """`watch.Instrumentation` for one store.

    Args:
        store: its name in traces, as `PostgreSQL`.
        system: its name in metrics, as `postgresql`.
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
        self._durations: dict[str, Callable[[float], None]] = {}  # by operation: looking up labels costs

    def step(self, operation: str, step: Callable[[], Answer]) -> Answer:
        """Take a step, timed and traced."""
        began = self._clock()
        try:
            return traced(self._store, operation, step)
        finally:
            self.took(operation, self._clock() - began)

    def took(self, operation: str, seconds: float) -> None:
        """Take note of a round trip."""
        observe = self._durations.get(operation) or self._duration(operation)
        observe(seconds)

    def waited(self, seconds: float) -> None:
        """Take note of how long an operation waited for a connection."""
        self._metrics.pool_wait.observe(seconds)

    def turned_away(self) -> None:
        """Count an operation that got no connection in time."""
        self._metrics.pool_timeouts.inc()

    def _duration(self, operation: str) -> Callable[[float], None]:
        observe: Callable[[float], None] = self._metrics.operations.labels(self._system, operation).observe
        self._durations[operation] = observe
        return observe


class InstrumentedCache:
    """A `ports.ProductCache` that counts what another one does."""

    def __init__(self, cache: ProductCache, metrics: ShopMetrics) -> None:
        self._cache = cache
        self._metrics = metrics

    def read(self, product_id: int, load: Load) -> Reading:
        """Read, and count how that was answered."""
        annotate("product_id", product_id)
        reading = self._cache.read(product_id, load)
        self._metrics.cache_requests[reading.result].inc()
        return reading

    def read_from_memory(self, product_id: int) -> Reading | None:
        """Read, and count what was answered."""
        return self._counted(product_id, self._cache.read_from_memory(product_id))

    async def read_from_loop(self, product_id: int) -> Reading | None:
        """Read, and count what was answered."""
        reading = await traced_async("Redis", "GETEX", lambda: self._cache.read_from_loop(product_id))
        return self._counted(product_id, reading)

    def _counted(self, product_id: int, reading: Reading | None) -> Reading | None:
        if reading is not None:
            annotate("product_id", product_id)
            self._metrics.cache_requests[reading.result].inc()
        return reading

    def fence(self, product_id: int) -> Fence:
        """Begin a write, and count it where the cache is known to be away."""
        annotate("product_id", product_id)
        return InstrumentedFence(self._told("raise", lambda: self._cache.fence(product_id)), self._told)

    def _told(self, stage: str, step: Callable[[], Answer]) -> Answer:
        try:
            return step()
        except CacheUnavailableError:
            self._metrics.fence_failures[stage].inc()
            raise


class InstrumentedFence:
    """A `ports.Fence` that tells where it failed."""

    def __init__(self, fence: Fence, told: Callable[[str, Callable[[], None]], None]) -> None:
        self._fence = fence
        self._told = told

    def raise_(self) -> None:
        """Raise it."""
        self._told("raise", self._fence.raise_)

    def publish(self, body: bytes | None) -> None:
        """Publish through it."""
        self._told("publish", lambda: self._fence.publish(body))

    def lower(self) -> None:
        """Lower it."""
        self._fence.lower()
