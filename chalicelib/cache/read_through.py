"""The read-through cache. A read that starts after a write was acknowledged never returns an older value.

It implements `ports.ProductCache` with leases and fences. This module has the order of the steps and the waits between
them, `redis_steps` the steps, and docs/cache.md the argument why the order is right.
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
"""How long a reader waits between polls while another one loads the product. After the last it loads it itself."""

JITTER = 0.05
"""Lifetimes are shortened by up to this part, so that entries stored together do not expire together."""

Clock = Callable[[], float]
Sleep = Callable[[float], None]


@dataclass(frozen=True, slots=True)
class Lifetimes:
    """How long entries stay in Redis at most, in seconds."""

    body: float = 3600.0
    absence: float = 30.0

    def ttl_ms(self, entry: Entry) -> int:
        """Return an entry's lifetime with jitter, in milliseconds."""
        seconds = self.absence if entry == ABSENT else self.body
        return max(1, round(seconds * 1000 * (1 - JITTER * random.random())))  # noqa: S311  spreads load, hides nothing


class ReadThroughCache:
    """Products' JSON in Redis, with short-lived copies in this task's memory. Thread-safe.

    Args:
        shared: the steps in Redis.
        local: the copies in this task's memory.
        lease_ms: how long copies live; 0: there are none.
        lifetimes: of entries in Redis.
        audit: checks a sample of the hits.
        count_local_hit: called for each hit in this task's memory.
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
        count_local_hit: Callable[[], None] = lambda: None,
        clock: Clock = time.monotonic,
        sleep: Sleep = time.sleep,
    ) -> None:
        self._shared = shared
        self._local = local
        self._lease_ms = lease_ms
        self._lifetimes = lifetimes
        self._audit = audit
        self._count_local_hit = count_local_hit
        self._clock = clock
        self._sleep = sleep

    def read(self, product_id: int, load: Load) -> Reading:
        """Return the product from memory, from Redis, or from `load`, which one reader at a time calls among all tasks.

        If Redis is down or a write is under way, each reader loads for itself and stores nothing.
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
        """Return the copy in memory; None: there is none."""
        body = self._local.get(product_id)
        if body is None:
            return None
        self._count_local_hit()
        return self._hit(product_id, body)

    async def read_from_loop(self, product_id: int) -> Reading | None:
        """Return the entry in Redis, looked up after the call; None: there is none, or Redis does not answer."""
        if not self._shared.can_look_from_loop:
            return None
        keep_ms = self._keep_ms(product_id)
        began = self._clock()
        try:
            entry = await self._shared.look_from_loop(key_of(product_id), keep_ms)
        except RedisError:
            return None
        self._copy_if_hot(product_id, entry, began, keep_ms)
        if entry is None:
            return None
        if is_body(entry):
            return self._hit(product_id, entry)
        return Reading(None, CacheResult.HIT) if entry == ABSENT else None

    def fence(self, product_id: int) -> "LeaseFence":
        """Begin a write of one product.

        Raises:
            CacheUnavailableError: the circuit breaker is open.
        """
        if self._shared.is_away:
            raise CacheUnavailableError("Redis is away")
        return LeaseFence(self._shared, self._lifetimes, key_of(product_id), self._sleep)

    def _hit(self, product_id: int, body: bytes) -> Reading:
        self._audit.consider(product_id, body)
        return Reading(body, CacheResult.HIT)

    def _entry_or_lease(self, product_id: int, lease: Entry) -> Entry | None:
        """Return the entry, polling while another reader's lease is there; None: our lease is there."""
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
        self._copy_if_hot(product_id, entry, began, keep_ms)
        return entry

    def _keep_ms(self, product_id: int) -> int:
        """Return how many milliseconds a copy of the product may live: 0 if the product is not hot in this task."""
        return self._lease_ms if self._local.is_hot(product_id, self._lease_ms / 1000) else 0

    def _copy_if_hot(self, product_id: int, entry: Entry | None, began: float, keep_ms: int) -> None:
        """Copy a body that was announced, for a time counted from before the lookup; otherwise record the request."""
        if not self._lease_ms or entry is None or not is_body(entry):
            return
        if keep_ms:
            self._local.keep(product_id, entry, began + keep_ms / 1000)
        else:
            self._local.record_request(product_id, began)

    def _fill(self, product_id: int, lease: Entry, load: Load) -> Reading:
        """Load the product and replace our lease by it; if the lease is gone, store nothing."""
        key = key_of(product_id)
        try:
            body = load()
        except Exception:
            self._drop_lease(key, lease)
            raise
        entry = ABSENT if body is None else body
        with suppress(RedisError):
            self._shared.fill(key, lease, entry, self._lifetimes.ttl_ms(entry))
        return Reading(body, CacheResult.MISS)

    def _drop_lease(self, key: str, lease: Entry) -> None:
        """Delete our lease, so that others can try at once; if that fails, it expires."""
        with suppress(RedisError):
            self._shared.drop(key, lease)


class LeaseFence:
    """One write's fence: raised before the statement, and replaced by the written entry after it."""

    def __init__(self, shared: RedisSteps, lifetimes: Lifetimes, key: str, sleep: Sleep) -> None:
        self._shared = shared
        self._lifetimes = lifetimes
        self._key = key
        self._sleep = sleep
        self._fence = new_fence()

    def raise_(self) -> None:
        """Put the fence, and wait until the copies of all tasks that announced the product have expired.

        A creation waits too: the product may have existed before, and its deletion may be unfinished.

        Raises:
            CacheUnavailableError: Redis did not confirm it.
        """
        try:
            seconds = self._shared.raise_fence(self._key, self._fence)
        except RedisError as error:
            raise CacheUnavailableError(f"Redis did not confirm the fence at {self._key}: {error}") from error
        self._wait_for_copies(seconds)

    def publish(self, body: bytes | None) -> None:
        """Replace the fence by the written entry.

        If the fence is gone, a task may have copied an old value meanwhile: wait until that has expired too.

        Raises:
            CacheUnavailableError: Redis did not confirm it.
        """
        entry = ABSENT if body is None else body
        try:
            seconds = self._shared.publish(self._key, self._fence, entry, self._lifetimes.ttl_ms(entry))
        except RedisError as error:
            raise CacheUnavailableError(f"Redis did not confirm what was written to {self._key}: {error}") from error
        self._wait_for_copies(seconds)

    def lower(self) -> None:
        """Delete the fence, since nothing was written; if Redis is down, it expires."""
        with suppress(RedisError):
            self._shared.lower_fence(self._key, self._fence)

    def _wait_for_copies(self, seconds: float) -> None:
        if seconds:
            self._sleep(seconds)
