"""The steps of the cache protocol in Redis, each one command or one script on one key.

What must hold: nothing is ever stored under a key that is empty, except a lease or a fence; a body replaces only the
very lease or fence that its writer put there. docs/cache.md argues why that is enough.

Works on Redis 6.2, 7 and Valkey 8, and on a cluster, since no step touches two keys.
"""

from collections.abc import Awaitable, Callable
from typing import Any, TypeVar, cast

import redis

from chalicelib.batched_lookups import BatchedLookups
from chalicelib.entries import Entry
from chalicelib.guard import Guard
from chalicelib.lease_terms import LeaseTerms
from chalicelib.own_connections import OwnConnections
from chalicelib.scripts import Script
from chalicelib.watch import Unwatched, Watch

Answer = TypeVar("Answer")

LEASE_MS = 800
"""How long a reader may take to load a product before another may try: longer than a read of the database may take."""

AHEAD_SECONDS = 0.05
"""How long an event loop may wait for an exchange with Redis, before it leaves those reads to threads."""

FENCE_MS = 5000
"""How long a fence stands by itself: the writer that put it there has half of that to COMMIT."""


# Put a lease where there is nothing; return what is there otherwise. (SET NX GET would do from Redis 7.0 on.)
_LEASE = Script("""
local held = redis.call('GET', KEYS[1])
if held then return held end
redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2])
return false
""")

# Put a body or absence in the place of one's own lease.
_FILL = Script("""
if redis.call('GET', KEYS[1]) ~= ARGV[1] then return 0 end
redis.call('SET', KEYS[1], ARGV[2], 'PX', ARGV[3])
return 1
""")

# Put a body or absence in the place of one's own fence. Another's fence stays; whatever else is there goes.
_PUBLISH = Script("""
local held = redis.call('GET', KEYS[1])
if held == ARGV[1] then
    redis.call('SET', KEYS[1], ARGV[2], 'PX', ARGV[3])
    return 1
end
if held and string.sub(held, 1, 1) ~= '!' then redis.call('DEL', KEYS[1]) end
return 0
""")

# Delete what one has seen there, if it is still that.
_DROP = Script("""
if redis.call('GET', KEYS[1]) ~= ARGV[1] then return 0 end
return redis.call('DEL', KEYS[1])
""")


def peek(client: redis.Redis, key: str) -> Entry | None:
    """Return what is there.

    GETEX without an option reads like GET, but counts as a write: a primary that has become a replica refuses it,
    where GET would go on answering with what may be old.
    """
    return cast("Entry | None", client.getex(key))


class SharedCache:
    """The products' keys. Every method is one round trip, and raises redis.RedisError where Redis is away.

    Args:
        reads: the client that readers ask; impatient, since the database can answer in its place.
        writes: the client that writers ask; more patient, since nothing can answer in its place.
        terms: what the tasks have agreed on about local leases.
        guard: told how each step went.
        watch: told how long each step took.
        loop_connection: makes the connection that event loops ask over.
    """

    def __init__(
        self,
        reads: redis.Redis,
        writes: redis.Redis,
        terms: LeaseTerms,
        guard: Guard,
        watch: Watch = Unwatched(),  # noqa: B008 - holds nothing
        loop_connection: Callable[[], Any] | None = None,
    ) -> None:
        self._ahead = BatchedLookups(loop_connection, AHEAD_SECONDS, self._told) if loop_connection else None
        self._reads = reads
        self._lookups = OwnConnections(reads)
        self._writes = writes
        self._terms = terms
        self._guard = guard
        self._watch = watch

    @property
    def can_look_ahead(self) -> bool:
        """Whether an event loop may ask."""
        return self._ahead is not None and not self._guard.is_open

    @property
    def is_away(self) -> bool:
        """True while Redis is known to be away, and is better not asked."""
        return self._guard.is_open

    def peek(self, key: str) -> Entry | None:
        """Return what is there, as `peek` above does."""
        return cast("Entry | None", self._step("GETEX", lambda: self._lookups.ask("GETEX", key)))

    def peek_ahead(self, key: str) -> Awaitable[Entry | None]:
        """Return what is there, as `peek` does, to an event loop; a round trip answers many."""
        assert self._ahead is not None  # noqa: S101  can_look_ahead was asked
        return self._ahead.ask(key)

    def take_lease(self, key: str, lease: Entry) -> Entry | None:
        """Put a lease there and return None; where there is something, return that and leave it."""
        entry: Entry | None = self._step("lease", lambda: _LEASE.run(self._reads, key, lease, LEASE_MS))
        return entry

    def fill(self, key: str, lease: Entry, entry: Entry, ttl_ms: int) -> bool:
        """Put what was loaded in the place of the lease; return False where the lease is no longer there."""
        return bool(self._step("fill", lambda: _FILL.run(self._reads, key, lease, entry, ttl_ms)))

    def raise_fence(self, key: str, fence: Entry) -> float:
        """Put a fence there, whatever was there; return the longest local lease of any task in seconds."""
        return self._step("fence", lambda: self._raise_fence(key, fence))

    def _raise_fence(self, key: str, fence: Entry) -> float:
        pipeline = self._writes.pipeline(transaction=False)
        pipeline.set(key, fence, px=FENCE_MS)
        self._terms.queue(pipeline)
        stands, longest = pipeline.execute(raise_on_error=False)
        if isinstance(stands, Exception):
            raise stands
        return self._terms.longest_seconds(longest)

    def publish(self, key: str, fence: Entry, entry: Entry, ttl_ms: int) -> bool:
        """Put what was written in the place of the fence; return False where the fence was no longer there."""
        return bool(self._step("publish", lambda: _PUBLISH.run(self._writes, key, fence, entry, ttl_ms)))

    def drop(self, key: str, entry: Entry) -> bool:
        """Delete this very entry; return False where it is no longer there."""
        return bool(self._step("drop", lambda: _DROP.run(self._reads, key, entry)))

    def _told(self, seconds: float, error: Exception | None) -> None:
        self._watch.took("GETEX", seconds)
        if error is None:
            self._guard.answered()
        else:
            self._guard.failed(error)

    def _step(self, operation: str, step: Callable[[], Answer]) -> Answer:
        return self._guard.watch(lambda: self._watch.step(operation, step))
