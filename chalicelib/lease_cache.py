"""The cache that never lies: a read that starts after a write was acknowledged never returns an older value.

`ports.ProductCache` by leases and fences. This module is the order of the steps and the waits between them; the steps
themselves are in `chalicelib.shared_cache`, and docs/cache.md argues why their order is right.
"""

import random
import time
from collections.abc import Callable
from dataclasses import dataclass

import redis

from chalicelib.audit import Audit
from chalicelib.entries import ABSENT, Entry, is_body, is_lease, key_of, new_fence, new_lease
from chalicelib.errors import CacheUnavailableError
from chalicelib.lease_terms import LeaseTerms
from chalicelib.local_leases import LocalLeases
from chalicelib.ports import Ahead, CacheResult, Load, Reading
from chalicelib.settings import MAX_LOCAL_LEASE_MS
from chalicelib.shared_cache import FENCE_MS, SharedCache

POLL_SECONDS = (0.001, 0.002, 0.004, 0.008, 0.016, 0.032, 0.064, 0.128)
"""How long a reader waits between looks at what another is loading, before it loads the product itself."""

MOST_MISSED = 1000

JITTER = 0.05
"""Lifetimes are up to this part shorter, so that what was stored together does not expire together."""

Clock = Callable[[], float]
Sleep = Callable[[float], None]


@dataclass(frozen=True, slots=True)
class Lifetimes:
    """How long entries stay in Redis, in seconds, at the most."""

    body: float = 3600.0
    absence: float = 30.0

    def ttl_ms(self, entry: Entry) -> int:
        """Return how long an entry may stay, jittered down."""
        seconds = self.absence if entry == ABSENT else self.body
        return max(1, round(seconds * 1000 * (1 - JITTER * random.random())))  # noqa: S311  spreads load, hides nothing


class LeaseCache:
    """Products' JSON in Redis, and for moments in this task's memory. Safe to share by threads.

    Args:
        shared: the steps in Redis.
        local: this task's memory.
        terms: how long its entries may live.
        lifetimes: how long entries in Redis may live.
        audit: looks at a part of the answers again.
        answered_locally: told of each answer from this task's memory.
        clock: monotonic, in seconds.
        sleep: waits that many seconds.
    """

    def __init__(
        self,
        shared: SharedCache,
        local: LocalLeases,
        terms: LeaseTerms,
        lifetimes: Lifetimes,
        audit: Audit,
        answered_locally: Callable[[], None] = lambda: None,
        clock: Clock = time.monotonic,
        sleep: Sleep = time.sleep,
    ) -> None:
        self._shared = shared
        self._local = local
        self._terms = terms
        self._lifetimes = lifetimes
        self._audit = audit
        self._answered_locally = answered_locally
        self._clock = clock
        self._sleep = sleep
        self._missed: set[int] = set()  # products that an event loop has not found, and has left to a thread

    def read(self, product_id: int, load: Load) -> Reading:
        """Answer from memory, from Redis, or from `load`, of which there is one at a time among all tasks.

        Where Redis is away, or a write is under way, every reader loads for itself and stores nothing.
        """
        body = self._local.get(product_id)
        if body is not None:
            self._answered_locally()
            return self._hit(product_id, body)
        if self._shared.is_away:
            return Reading(load(), CacheResult.BYPASS)
        lease = new_lease()
        try:
            entry = self._entry_or_lease(product_id, lease)
        except redis.RedisError:
            return Reading(load(), CacheResult.BYPASS)
        if entry is None:
            return self._fill(product_id, lease, load)
        if is_body(entry):
            return self._hit(product_id, entry)
        if entry == ABSENT:
            return Reading(None, CacheResult.HIT)
        return Reading(load(), CacheResult.BYPASS)

    def read_ahead(self, product_id: int, can_await: bool) -> Ahead:
        """Answer from memory, or to an event loop once it has awaited Redis; what is not there is left to `read`.

        The same promise stands: Redis is asked after the call, and memory is as old as a lease allows.
        """
        body = self._local.get(product_id)
        if body is not None:
            self._answered_locally()
            return self._hit(product_id, body)
        if not can_await:
            return None
        seconds = self._terms.known_seconds()
        if seconds is None or not self._shared.can_look_ahead:
            return None
        return self._looked_ahead(product_id, seconds)

    async def _looked_ahead(self, product_id: int, seconds: float) -> Reading | None:
        began = self._clock()
        try:
            entry = await self._shared.peek_ahead(key_of(product_id))
        except redis.RedisError:
            return None
        if entry is None and len(self._missed) < MOST_MISSED:
            self._missed.add(product_id)
        if entry is None or not is_body(entry):
            return Reading(None, CacheResult.HIT) if entry == ABSENT else None
        if seconds:
            self._local.keep(product_id, entry, began + seconds)
        return self._hit(product_id, entry)

    def fence(self, product_id: int) -> "LeaseFence":
        """Begin a write of one product.

        Raises:
            CacheUnavailableError: Redis is known to be away.
        """
        if self._shared.is_away:
            raise CacheUnavailableError("Redis is away")
        return LeaseFence(self._shared, self._lifetimes, key_of(product_id), self._clock, self._sleep)

    def _hit(self, product_id: int, body: bytes) -> Reading:
        self._audit.consider(product_id, body)
        return Reading(body, CacheResult.HIT)

    def _entry_or_lease(self, product_id: int, lease: Entry) -> Entry | None:
        """Return what is there once nobody loads it any more, or after some patience; None: our lease is there."""
        entry = None if self._was_missed(product_id) else self._look(product_id, self._shared.peek)
        for pause in POLL_SECONDS:
            if entry is None:
                entry = self._look(product_id, lambda key: self._shared.take_lease(key, lease))
            if entry is None or not is_lease(entry):
                return entry
            self._sleep(pause)
            entry = self._look(product_id, self._shared.peek)
        return entry or lease

    def _was_missed(self, product_id: int) -> bool:
        """Tell whether an event loop has just looked, so that the thread need not; asking for a lease looks again."""
        try:
            self._missed.remove(product_id)
        except KeyError:
            return False
        return True

    def _look(self, product_id: int, step: Callable[[str], Entry | None]) -> Entry | None:
        """Take a step that tells what is there; a body may be kept in memory, counted from before the step."""
        began = self._clock()
        seconds = self._terms.lease_seconds()
        entry = step(key_of(product_id))
        if seconds and entry is not None and is_body(entry):
            self._local.keep(product_id, entry, began + seconds)
        return entry

    def _fill(self, product_id: int, lease: Entry, load: Load) -> Reading:
        """Load the product and put it in the place of our lease; where the lease has gone, answer and store nothing."""
        key = key_of(product_id)
        try:
            body = load()
        except Exception:
            self._give_up(key, lease)
            raise
        entry = ABSENT if body is None else body
        try:
            began = self._clock()
            seconds = self._terms.lease_seconds()
            stored = self._shared.fill(key, lease, entry, self._lifetimes.ttl_ms(entry))
        except redis.RedisError:
            return Reading(body, CacheResult.MISS)
        if stored and seconds and body is not None:
            self._local.keep(product_id, body, began + seconds)
        return Reading(body, CacheResult.MISS)

    def _give_up(self, key: str, lease: Entry) -> None:
        """Let others try at once; where that fails too, the lease ends by itself."""
        try:
            self._shared.drop(key, lease)
        except redis.RedisError:
            return


class LeaseFence:
    """One write's fence: raised before COMMIT, replaced by what was written after it."""

    def __init__(self, shared: SharedCache, lifetimes: Lifetimes, key: str, clock: Clock, sleep: Sleep) -> None:
        self._shared = shared
        self._lifetimes = lifetimes
        self._key = key
        self._clock = clock
        self._sleep = sleep
        self._fence = new_fence()

    def raise_(self) -> None:
        """Put the fence there, and wait until no task has an old value in its memory.

        A creation waits too: the product may have been there before, and its deletion be on its way still, or dead.

        Raises:
            CacheUnavailableError: Redis did not confirm it, or half of the fence's life has gone: with what is left,
                COMMIT could come too late.
        """
        began = self._clock()
        try:
            longest = self._shared.raise_fence(self._key, self._fence)
        except redis.RedisError as error:
            raise CacheUnavailableError(f"Redis did not confirm the fence at {self._key}: {error}") from error
        self._wait_out_memories(longest)
        if self._clock() - began > FENCE_MS / 1000 / 2:
            raise CacheUnavailableError(f"the fence at {self._key} has stood too long to commit under it")

    def publish(self, body: bytes | None) -> None:
        """Put what was written in the fence's place.

        Where the fence has gone, an old value may have slipped past it into some task's memory: wait that out too, for
        the longest that there can be, since a task with longer leases may have started after the fence stood.

        Raises:
            CacheUnavailableError: Redis did not confirm it.
        """
        entry = ABSENT if body is None else body
        try:
            stood = self._shared.publish(self._key, self._fence, entry, self._lifetimes.ttl_ms(entry))
        except redis.RedisError as error:
            raise CacheUnavailableError(f"Redis did not confirm what was written to {self._key}: {error}") from error
        if not stood:
            self._wait_out_memories(MAX_LOCAL_LEASE_MS / 1000)

    def _wait_out_memories(self, seconds: float) -> None:
        if seconds:
            self._sleep(seconds)
