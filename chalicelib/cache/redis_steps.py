"""The steps of the cache protocol in Redis: each is one command or one script on a product's key and the hot set.

What must hold: under an empty key only a lease or a fence is stored; a body replaces only the lease or fence that its
writer put there; an entry of another generation counts as none. docs/cache.md argues why that is enough.

Works on Redis 6.2, 7 and Valkey 9 with cluster mode disabled.
"""

import functools
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any, TypeVar, cast

from chalicelib.cache import hot_set, scripts
from chalicelib.cache.entries import Entry, id_of
from chalicelib.redis_client.client import RedisClient
from chalicelib.redis_client.generations import Argument
from chalicelib.redis_client.script import Script
from chalicelib.redis_client.thread_connections import ThreadConnections
from chalicelib.stores.circuit_breaker import CircuitBreaker
from chalicelib.stores.instrumentation import Instrumentation, NoInstrumentation

if TYPE_CHECKING:
    from chalicelib.redis_client.batched_lookups import BatchedLookups

Answer = TypeVar("Answer")

LEASE_MS = 800
"""How long a reader may take to load a product before another may try: longer than a read of the database may take."""

LOOP_SECONDS = 0.05
"""How long an event loop waits for an exchange with Redis. After that, threads serve those reads."""

FENCE_MS = 5000
"""How long a fence stays if its writer dies."""


class RedisSteps:
    """The steps. Each method is one round trip, and raises RedisError if Redis does not answer.

    Args:
        reads: the readers' client; its time-outs are short, since the database can answer instead.
        writes: the writers' client; its time-outs are longer, since nothing else can answer.
        breaker: opens after failures.
        instrumentation: records durations.
        loop_connection: makes the event loop's connection; None: no loop may look.
        loop_seconds: how long an event loop waits for an exchange.
    """

    def __init__(
        self,
        reads: RedisClient,
        writes: RedisClient,
        breaker: CircuitBreaker,
        instrumentation: Instrumentation = NoInstrumentation(),  # noqa: B008 - holds nothing
        loop_connection: Callable[[], Any] | None = None,
        loop_seconds: float = LOOP_SECONDS,
    ) -> None:
        self._loop_connection = loop_connection
        self._loop_seconds = loop_seconds
        self._reads = ThreadConnections(reads)
        self._writes = ThreadConnections(writes)
        self._breaker = breaker
        self._instrumentation = instrumentation

    @property
    def can_look_from_loop(self) -> bool:
        """Whether an event loop may look up entries now."""
        return self._loop_connection is not None and not self._breaker.is_open

    @property
    def is_away(self) -> bool:
        """Whether the circuit breaker is open."""
        return self._breaker.is_open

    def peek(self, key: str) -> Entry | None:
        """Return the entry."""
        return cast("Entry | None", self._run_reader("look", scripts.LOOK, key))

    def look_from_loop(self, key: str, keep_ms: int) -> Awaitable[Entry | None]:
        """Return the entry to an event loop; one round trip serves many lookups.

        `keep_ms`: how many milliseconds a copy of the body may live; the product is announced first unless that is 0.
        """
        if not keep_ms:
            return self._lookups.ask("GETEX", key)
        arguments = (id_of(key), hot_set.announced_ms(keep_ms))
        return self._lookups.ask(*scripts.ANNOUNCE_AND_LOOK.command(key, hot_set.KEY, arguments=arguments))

    def look_or_lease(self, key: str, lease: Entry, keep_ms: int) -> Entry | None:
        """Return the entry; if there is none, put a lease and return None.

        `keep_ms`: how many milliseconds a copy of the body may live; the product is announced first unless that is 0.
        """
        arguments = (lease, LEASE_MS, id_of(key), hot_set.announced_ms(keep_ms))
        entry = self._run_reader("lease", scripts.LOOK_OR_LEASE, key, hot_set.KEY, arguments=arguments)
        return cast("Entry | None", entry)

    def fill(self, key: str, lease: Entry, entry: Entry, ttl_ms: int) -> bool:
        """Replace the lease by the loaded entry; return False if the lease is gone."""
        return bool(self._run_reader("fill", scripts.FILL, key, arguments=(lease, entry, ttl_ms)))

    def raise_fence(self, key: str, fence: Entry) -> float:
        """Put a fence; return how many seconds pass until no task has a copy of the product."""
        arguments = (fence, FENCE_MS, id_of(key), hot_set.LONGEST_WAIT_MS)
        return self._run_writer("fence", scripts.FENCE, key, hot_set.KEY, arguments=arguments) / 1000

    def publish(self, key: str, fence: Entry, entry: Entry, ttl_ms: int) -> float:
        """Replace the fence by the written entry; return how many seconds to wait before acknowledging.

        If the fence is gone, the entry is deleted, and a task may have copied an old value meanwhile.
        """
        arguments = (fence, entry, ttl_ms, id_of(key), hot_set.LONGEST_WAIT_MS)
        return self._run_writer("publish", scripts.PUBLISH, key, hot_set.KEY, arguments=arguments) / 1000

    def lower_fence(self, key: str, fence: Entry) -> None:
        """Delete the fence if it is still there."""
        self._run_writer("drop", scripts.DROP, key, arguments=(fence,))

    def drop(self, key: str, entry: Entry) -> bool:
        """Delete this entry; return False if another one is there."""
        return bool(self._run_reader("drop", scripts.DROP, key, arguments=(entry,)))

    @functools.cached_property
    def _lookups(self) -> "BatchedLookups":
        """Made when an event loop first asks: threads do not need asyncio."""
        from chalicelib.redis_client.batched_lookups import BatchedLookups

        assert self._loop_connection is not None  # noqa: S101  can_look_from_loop was asked
        return BatchedLookups(self._loop_connection, self._loop_seconds, self._record)

    def _run_reader(self, operation: str, script: Script, *keys: str, arguments: tuple[Argument, ...] = ()) -> Any:
        """Run a script for a reader; it may run twice."""
        return self._step(operation, lambda: script.run(self._reads.ask, *keys, arguments=arguments))

    def _run_writer(self, operation: str, script: Script, *keys: str, arguments: tuple[Argument, ...]) -> int:
        """Run a script for a writer; it may run twice."""
        return cast("int", self._step(operation, lambda: script.run(self._writes.ask, *keys, arguments=arguments)))

    def _record(self, seconds: float, error: Exception | None) -> None:
        self._instrumentation.record_duration("GETEX", seconds)
        if error is None:
            self._breaker.record_success()
        else:
            self._breaker.record_failure(error)

    def _step(self, operation: str, step: Callable[[], Answer]) -> Answer:
        return self._breaker.call(lambda: self._instrumentation.timed(operation, step))
