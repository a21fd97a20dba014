"""The cache that never lies: a read that starts after a write was acknowledged never returns an older value.

`ports.ProductCache` by leases and fences. This module is the order of the steps and the waits between them; the steps
themselves are in `chalicelib.cache.redis_steps`, and docs/cache.md argues why their order is right.
"""

import random
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass

from chalicelib.cache.audit import Audit
from chalicelib.cache.entries import ABSENT, Entry, is_body, is_lease, key_of, new_fence, new_lease
from chalicelib.cache.local_copies import LocalCopies
from chalicelib.cache.redis_steps import RedisSteps
from chalicelib.errors import CacheUnavailableError
from chalicelib.ports import CacheResult, Load, Reading
from chalicelib.redis_client.errors import RedisError

POLL_SECONDS = (0.001, 0.002, 0.004, 0.008, 0.016, 0.032, 0.064, 0.128)
"""How long a reader waits between looks at what another is loading, before it loads the product itself."""

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


class ReadThroughCache:
    """Products' JSON in Redis, and for moments in this task's memory. Safe to share by threads.

    Args:
        shared: the steps in Redis.
        local: this task's memory.
        lease_ms: how long its entries may live; 0: it keeps nothing.
        lifetimes: how long entries in Redis may live.
        audit: looks at a part of the answers again.
        answered_locally: told of each answer from this task's memory.
        clock: monotonic, in seconds.
        sleep: waits that many seconds.
    """

    def __init__(
        self,
        shared: RedisSteps,
        local: LocalCopies,
        lease_ms: int,
        lifetimes: Lifetimes,
        audit: Audit,
        answered_locally: Callable[[], None] = lambda: None,
        clock: Clock = time.monotonic,
        sleep: Sleep = time.sleep,
    ) -> None:
        self._shared = shared
        self._local = local
        self._lease_ms = lease_ms
        self._lifetimes = lifetimes
        self._audit = audit
        self._answered_locally = answered_locally
        self._clock = clock
        self._sleep = sleep

    def read(self, product_id: int, load: Load) -> Reading:
        """Answer from memory, from Redis, or from `load`, of which there is one at a time among all tasks.

        Where Redis is away, or a write is under way, every reader loads for itself and stores nothing.
        """
        kept = self.read_from_memory(product_id)
        if kept is not None:
            return kept
        if self._shared.is_away:
            return Reading(load(), CacheResult.BYPASS)
        lease = new_lease()
        try:
            entry = self._entry_or_lease(product_id, lease)
        except RedisError:
            return Reading(load(), CacheResult.BYPASS)
        if entry is None:
            return self._fill(product_id, lease, load)
        if is_body(entry):
            return self._hit(product_id, entry)
        if entry == ABSENT:
            return Reading(None, CacheResult.HIT)
        return Reading(load(), CacheResult.BYPASS)

    def read_from_memory(self, product_id: int) -> Reading | None:
        """Answer from memory; None: the product is not there."""
        body = self._local.get(product_id)
        if body is None:
            return None
        self._answered_locally()
        return self._hit(product_id, body)

    async def read_from_loop(self, product_id: int) -> Reading | None:
        """Answer from Redis, which is asked after the call; None: the product is not there, or Redis cannot answer."""
        if not self._shared.can_look_from_loop:
            return None
        keep_ms = self._keep_ms(product_id)
        began = self._clock()
        try:
            entry = await self._shared.look_from_loop(key_of(product_id), keep_ms)
        except RedisError:
            return None
        self._note(product_id, entry, began, keep_ms)
        if entry is None:
            return None
        if is_body(entry):
            return self._hit(product_id, entry)
        return Reading(None, CacheResult.HIT) if entry == ABSENT else None

    def fence(self, product_id: int) -> "LeaseFence":
        """Begin a write of one product.

        Raises:
            CacheUnavailableError: Redis is known to be away.
        """
        if self._shared.is_away:
            raise CacheUnavailableError("Redis is away")
        return LeaseFence(self._shared, self._lifetimes, key_of(product_id), self._sleep)

    def _hit(self, product_id: int, body: bytes) -> Reading:
        self._audit.consider(product_id, body)
        return Reading(body, CacheResult.HIT)

    def _entry_or_lease(self, product_id: int, lease: Entry) -> Entry | None:
        """Return what is there once nobody loads it any more, or after some patience; None: our lease is there."""
        keep_ms = self._keep_ms(product_id)
        entry = self._look(product_id, lease, keep_ms)
        for pause in POLL_SECONDS:
            if entry is None or not is_lease(entry):
                break
            self._sleep(pause)
            entry = self._look(product_id, lease, keep_ms)
        return entry

    def _look(self, product_id: int, lease: Entry, keep_ms: int) -> Entry | None:
        began = self._clock()
        entry = self._shared.look_or_lease(key_of(product_id), lease, keep_ms)
        self._note(product_id, entry, began, keep_ms)
        return entry

    def _keep_ms(self, product_id: int) -> int:
        """Return how long what is there now may be kept in memory, in milliseconds: 0 for what is not hot here."""
        return self._lease_ms if self._local.is_hot(product_id, self._lease_ms / 1000) else 0

    def _note(self, product_id: int, entry: Entry | None, began: float, keep_ms: int) -> None:
        """Keep a body that was announced, counted from before Redis was asked; else note that it was asked for."""
        if not self._lease_ms or entry is None or not is_body(entry):
            return
        if keep_ms:
            self._local.keep(product_id, entry, began + keep_ms / 1000)
        else:
            self._local.record_request(product_id, began)

    def _fill(self, product_id: int, lease: Entry, load: Load) -> Reading:
        """Load the product and put it in the place of our lease; where the lease has gone, answer and store nothing."""
        key = key_of(product_id)
        try:
            body = load()
        except Exception:
            self._give_up(key, lease)
            raise
        entry = ABSENT if body is None else body
        with suppress(RedisError):
            self._shared.fill(key, lease, entry, self._lifetimes.ttl_ms(entry))
        return Reading(body, CacheResult.MISS)

    def _give_up(self, key: str, lease: Entry) -> None:
        """Let others try at once; where that fails too, the lease ends by itself."""
        with suppress(RedisError):
            self._shared.drop(key, lease)


class LeaseFence:
    """One write's fence: raised before the statement, replaced by what was written after it."""

    def __init__(self, shared: RedisSteps, lifetimes: Lifetimes, key: str, sleep: Sleep) -> None:
        self._shared = shared
        self._lifetimes = lifetimes
        self._key = key
        self._sleep = sleep
        self._fence = new_fence()

    def raise_(self) -> None:
        """Put the fence there, and wait until no task that has announced the product has it in its memory.

        A creation waits too: the product may have been there before, and its deletion be on its way still, or dead.

        Raises:
            CacheUnavailableError: Redis did not confirm it.
        """
        try:
            seconds = self._shared.raise_fence(self._key, self._fence)
        except RedisError as error:
            raise CacheUnavailableError(f"Redis did not confirm the fence at {self._key}: {error}") from error
        self._wait_out_memories(seconds)

    def publish(self, body: bytes | None) -> None:
        """Put what was written in the fence's place.

        Where the fence has gone, an old value may have slipped past it into some task's memory: wait that out too.

        Raises:
            CacheUnavailableError: Redis did not confirm it.
        """
        entry = ABSENT if body is None else body
        try:
            seconds = self._shared.publish(self._key, self._fence, entry, self._lifetimes.ttl_ms(entry))
        except RedisError as error:
            raise CacheUnavailableError(f"Redis did not confirm what was written to {self._key}: {error}") from error
        self._wait_out_memories(seconds)

    def lower(self) -> None:
        """Take the fence away, since nothing was written; where Redis is away, it ends by itself."""
        with suppress(RedisError):
            self._shared.lower_fence(self._key, self._fence)

    def _wait_out_memories(self, seconds: float) -> None:
        if seconds:
            self._sleep(seconds)
