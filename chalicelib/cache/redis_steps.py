"""The steps of the cache protocol in Redis, each one command or one script, on a product's key and the hot set.

What must hold: nothing is ever stored under a key that is empty, except a lease or a fence; a body replaces only the
very lease or fence that its writer put there; what another generation stored is as good as nothing. docs/cache.md
argues why that is enough.

Works on Redis 6.2, 7 and Valkey 9 with cluster mode disabled.
"""

import functools
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any, TypeVar, cast

from chalicelib.cache import hot_set
from chalicelib.cache.entries import Entry, id_of
from chalicelib.cache.scripts import Script
from chalicelib.redis_client.client import RedisClient
from chalicelib.redis_client.generations import Argument
from chalicelib.redis_client.thread_connections import ThreadConnections
from chalicelib.stores.circuit_breaker import CircuitBreaker
from chalicelib.stores.instrumentation import Instrumentation, NoInstrumentation

if TYPE_CHECKING:
    from chalicelib.redis_client.batched_lookups import BatchedLookups

Answer = TypeVar("Answer")

LEASE_MS = 800
"""How long a reader may take to load a product before another may try: longer than a read of the database may take."""

LOOP_SECONDS = 0.05
"""How long an event loop may wait for an exchange with Redis, before it leaves those reads to threads."""

FENCE_MS = 5000
"""How long a fence stands by itself, should its writer die."""


# Announce the product, where its body may be kept; then return what is there, or put a lease where there is nothing.
# Run twice with one lease, it finds that lease as if there were nothing.
_LOOK_OR_LEASE = Script(f"""
{hot_set.ANNOUNCE}
announce(KEYS[2], ARGV[3], tonumber(ARGV[4]))
local held = get(KEYS[1])
if held and held ~= ARGV[1] then return held end
put(KEYS[1], ARGV[1], ARGV[2])
return false
""")

# Return what is there.
_LOOK = Script("return get(KEYS[1])")

# Announce the product; then return what is stored there, as GETEX does: with its generation.
_ANNOUNCE_AND_LOOK = Script(f"""
{hot_set.ANNOUNCE}
announce(KEYS[2], ARGV[1], tonumber(ARGV[2]))
return redis.call('GETEX', KEYS[1])
""")

# Put a body or absence in the place of one's own lease.
_FILL = Script("""
if get(KEYS[1]) ~= ARGV[1] then return 0 end
put(KEYS[1], ARGV[2], ARGV[3])
return 1
""")

# Put a fence, whatever is there; then return how many ms to wait.
_FENCE = Script(f"""
{hot_set.WAIT}
put(KEYS[1], ARGV[1], ARGV[2])
return wait(KEYS[2], ARGV[3], tonumber(ARGV[4]))
""")

# Put a body or absence in the place of one's own fence. Otherwise delete what is there, another's fence too: its writer
# may have committed before, and would put its older body over the newer one. Return how many ms to wait then.
_PUBLISH = Script(f"""
{hot_set.WAIT}
local held = get(KEYS[1])
if held == ARGV[1] then
    put(KEYS[1], ARGV[2], ARGV[3])
    return 0
end
redis.call('DEL', KEYS[1])
return wait(KEYS[2], ARGV[4], tonumber(ARGV[5]))
""")

# Delete what one has seen there, if it is still that.
_DROP = Script("""
if get(KEYS[1]) ~= ARGV[1] then return 0 end
return redis.call('DEL', KEYS[1])
""")


class RedisSteps:
    """The products' keys. Every method is one round trip, and raises RedisError where Redis is away.

    Args:
        reads: the client that readers ask; impatient, since the database can answer in its place.
        writes: the client that writers ask; more patient, since nothing can answer in its place.
        breaker: told how each step went.
        instrumentation: told how long each step took.
        loop_connection: makes the connection that event loops ask over.
        loop_seconds: how long an event loop may wait for an exchange.
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
        """Whether an event loop may ask."""
        return self._loop_connection is not None and not self._breaker.is_open

    @property
    def is_away(self) -> bool:
        """True while Redis is known to be away, and is better not asked."""
        return self._breaker.is_open

    def peek(self, key: str) -> Entry | None:
        """Return what is there."""
        return cast("Entry | None", self._asked("look", _LOOK, key))

    def look_from_loop(self, key: str, keep_ms: int) -> Awaitable[Entry | None]:
        """Return what is there, as `peek` does, to an event loop; a round trip answers many.

        Where a body may be kept in memory for `keep_ms` milliseconds, not 0, the product is announced before that.
        """
        if not keep_ms:
            return self._lookups.ask("GETEX", key)
        arguments = (id_of(key), hot_set.announced_ms(keep_ms))
        return self._lookups.ask(*_ANNOUNCE_AND_LOOK.command(key, hot_set.KEY, arguments=arguments))

    def look_or_lease(self, key: str, lease: Entry, keep_ms: int) -> Entry | None:
        """Return what is there; where there is nothing, put a lease there and return None.

        Where a body may be kept in memory for `keep_ms` milliseconds, not 0, the product is announced before that.
        """
        arguments = (lease, LEASE_MS, id_of(key), hot_set.announced_ms(keep_ms))
        return cast("Entry | None", self._asked("lease", _LOOK_OR_LEASE, key, hot_set.KEY, arguments=arguments))

    def fill(self, key: str, lease: Entry, entry: Entry, ttl_ms: int) -> bool:
        """Put what was loaded in the place of the lease; return False where the lease is no longer there."""
        return bool(self._asked("fill", _FILL, key, arguments=(lease, entry, ttl_ms)))

    def raise_fence(self, key: str, fence: Entry) -> float:
        """Put a fence there, whatever was there; return how many seconds to wait until no task holds the product."""
        arguments = (fence, FENCE_MS, id_of(key), hot_set.LONGEST_WAIT_MS)
        return self._wrote("fence", _FENCE, key, hot_set.KEY, arguments=arguments) / 1000

    def publish(self, key: str, fence: Entry, entry: Entry, ttl_ms: int) -> float:
        """Put what was written in the place of the fence; return how many seconds to wait before acknowledging.

        Where the fence was no longer there, whatever is there is deleted, and an old value may have slipped past it.
        """
        arguments = (fence, entry, ttl_ms, id_of(key), hot_set.LONGEST_WAIT_MS)
        return self._wrote("publish", _PUBLISH, key, hot_set.KEY, arguments=arguments) / 1000

    def lower_fence(self, key: str, fence: Entry) -> None:
        """Take the fence away where it still stands."""
        self._wrote("drop", _DROP, key, arguments=(fence,))

    def drop(self, key: str, entry: Entry) -> bool:
        """Delete this very entry; return False where it is no longer there."""
        return bool(self._asked("drop", _DROP, key, arguments=(entry,)))

    @functools.cached_property
    def _lookups(self) -> "BatchedLookups":
        """Made when an event loop first asks: what it needs of asyncio, threads do without."""
        from chalicelib.redis_client.batched_lookups import BatchedLookups

        assert self._loop_connection is not None  # noqa: S101  can_look_from_loop was asked
        return BatchedLookups(self._loop_connection, self._loop_seconds, self._told)

    def _asked(self, operation: str, script: Script, *keys: str, arguments: tuple[Argument, ...] = ()) -> Any:
        """Run a script for a reader; it must do no harm twice."""
        return self._step(operation, lambda: script.run(self._reads.ask, *keys, arguments=arguments))

    def _wrote(self, operation: str, script: Script, *keys: str, arguments: tuple[Argument, ...]) -> int:
        """Run a script for a writer; it must do no harm twice."""
        return cast("int", self._step(operation, lambda: script.run(self._writes.ask, *keys, arguments=arguments)))

    def _told(self, seconds: float, error: Exception | None) -> None:
        self._instrumentation.record_duration("GETEX", seconds)
        if error is None:
            self._breaker.record_success()
        else:
            self._breaker.record_failure(error)

    def _step(self, operation: str, step: Callable[[], Answer]) -> Answer:
        return self._breaker.call(lambda: self._instrumentation.timed(operation, step))
