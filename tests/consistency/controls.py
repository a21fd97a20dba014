"""Negative controls: the shop with a cache that is wrong in one known way. The checker must find the error of each.

Each is served like the shop: `CONTROL=no_second_wait python -m fargate tests.consistency.controls:app`.
"""

import asyncio
import os
import threading
from collections.abc import Callable
from concurrent.futures import Future
from typing import Any

import redis

from app import app, on_start
from chalicelib import bootstrap
from chalicelib.cache import hot_set, read_through, scripts
from chalicelib.cache.read_through import LeaseFence
from chalicelib.catalog import Catalog
from chalicelib.errors import CacheUnavailableError
from chalicelib.ports import CacheResult, Fence, Load, ProductCache, ProductStore, Reading
from chalicelib.redis_client import batched_lookups, generations
from chalicelib.redis_client.batched_lookups import BatchedLookups
from chalicelib.redis_client.generations import Argument
from chalicelib.redis_client.script import Script
from chalicelib.settings import Settings

__all__ = ["app", "on_start"]

TTL_SECONDS = 3600


class CommitThenDelete:
    """The usual cache: load on a miss, delete after COMMIT. A load between the two stays in the cache."""

    def __init__(self, client: redis.Redis) -> None:
        self._client = client

    def read(self, product_id: int, load: Load) -> Reading:
        key = f"p1:{product_id}"
        try:
            body = self._client.get(key)
            if isinstance(body, bytes):
                return Reading(body, CacheResult.HIT)
            loaded = load()
            if loaded is not None:
                self._client.set(key, loaded, ex=TTL_SECONDS)
        except redis.RedisError:
            return Reading(load(), CacheResult.BYPASS)
        return Reading(loaded, CacheResult.MISS)

    def read_from_memory(self, product_id: int) -> Reading | None:
        return None

    async def read_from_loop(self, product_id: int) -> Reading | None:
        return None

    def fence(self, product_id: int) -> Fence:
        return _Deletion(self._client, product_id)


class _Deletion:
    def __init__(self, client: redis.Redis, product_id: int) -> None:
        self._client = client
        self._key = f"p1:{product_id}"

    def raise_(self) -> None:
        return

    def lower(self) -> None:
        return

    def publish(self, body: bytes | None) -> None:
        try:
            self._client.delete(self._key)
        except redis.RedisError as error:
            raise CacheUnavailableError(str(error)) from error


class SingleFlight:
    """The real cache behind a usual stampede protection: a read that comes while another runs gets its result.

    That read may have seen the database before a write which was acknowledged before its follower came.
    """

    def __init__(self, cache: ProductCache) -> None:
        self._cache = cache
        self._lock = threading.Lock()
        self._running: dict[int, Future[Reading]] = {}

    def read(self, product_id: int, load: Load) -> Reading:
        mine: Future[Reading] = Future()
        with self._lock:
            running = self._running.setdefault(product_id, mine)
        return self._lead(product_id, load, mine) if running is mine else running.result()

    def read_from_memory(self, product_id: int) -> Reading | None:
        return None

    async def read_from_loop(self, product_id: int) -> Reading | None:
        return None

    def fence(self, product_id: int) -> Fence:
        return self._cache.fence(product_id)

    def _lead(self, product_id: int, load: Load, mine: Future[Reading]) -> Reading:
        try:
            reading = self._cache.read(product_id, load)
        except BaseException as error:
            self._land(product_id)
            mine.set_exception(error)
            raise
        self._land(product_id)
        mine.set_result(reading)
        return reading

    def _land(self, product_id: int) -> None:
        with self._lock:
            del self._running[product_id]


class _HastyFence(LeaseFence):
    """The real fence without one of its waits."""

    hasty_step = ""
    _step = ""

    def raise_(self) -> None:
        self._step = "raise"
        super().raise_()

    def publish(self, body: bytes | None) -> None:
        self._step = "publish"
        super().publish(body)

    def _wait_for_copies(self, seconds: float) -> None:
        if self._step != self.hasty_step:
            super()._wait_for_copies(seconds)


def _built(settings: Settings, store: ProductStore) -> Catalog:
    return Catalog(store, bootstrap.build_cache(settings, store))


def _hasty(step: str) -> Callable[[Settings, ProductStore], Catalog]:
    def build(settings: Settings, store: ProductStore) -> Catalog:
        _HastyFence.hasty_step = step
        read_through.LeaseFence = _HastyFence  # type: ignore[misc]
        return _built(settings, store)

    return build


def _no_announcement(settings: Settings, store: ProductStore) -> Catalog:
    """Build a cache that keeps hot products in memory without announcing it to writers."""
    hot_set.announced_ms = lambda lease_ms: 0
    return _built(settings, store)


def _without(script: str, part: str, instead: str) -> Callable[[Settings, ProductStore], Catalog]:
    """Build a cache with a script that lacks a part."""

    def build(settings: Settings, store: ProductStore) -> Catalog:
        text = getattr(scripts, script).text
        assert part in text
        setattr(scripts, script, Script(text.replace(part, instead)))
        return _built(settings, store)

    return build


def _ignore_generation(settings: Settings, store: ProductStore) -> Catalog:
    """Build a cache that accepts entries of another server, or from before its server's restart."""
    generations.parse = lambda answer: b"0" * generations.GENERATION_BYTES
    return _built(settings, store)


class _JoinedLookups(BatchedLookups):
    """The real lookups, but a lookup that comes while another of the same key runs gets its result."""

    def __init__(self, *arguments: Any) -> None:
        super().__init__(*arguments)
        self._running: dict[tuple[Argument, ...], asyncio.Future[bytes | None]] = {}

    def ask(self, *command: Argument) -> "asyncio.Future[bytes | None]":
        running = self._running.get(command)
        if running is None or running.done():
            running = self._running[command] = super().ask(*command)
        return running


def _joined_lookups(settings: Settings, store: ProductStore) -> Catalog:
    batched_lookups.BatchedLookups = _JoinedLookups  # type: ignore[misc]
    return _built(settings, store)


def _redis_py(url: str) -> redis.Redis:
    """Return a client with the shop's time limits."""
    return redis.Redis.from_url(url, socket_timeout=0.25, socket_connect_timeout=0.25, retry=None)


CONTROLS: dict[str, Callable[[Settings, ProductStore], Catalog]] = {
    "commit_then_delete": lambda settings, store: Catalog(store, CommitThenDelete(_redis_py(settings.redis_url))),
    "single_flight": lambda settings, store: Catalog(store, SingleFlight(bootstrap.build_cache(settings, store))),
    "no_wait": _hasty("raise"),
    "no_second_wait": _hasty("publish"),
    "no_announcement": _no_announcement,
    "leave_other_fence": _without(
        "PUBLISH",
        "redis.call('DEL', KEYS[1])",
        "if string.sub(held or '', 1, 1) ~= '!' then redis.call('DEL', KEYS[1]) end",
    ),
    "ignore_lost_hot_set": _without("FENCE", "local left = longest - (now + since)", "local left = 0"),
    "fill_anyway": _without("FILL", "get(KEYS[1]) ~= ARGV[1]", "false"),
    "publish_anyway": _without("PUBLISH", "held == ARGV[1]", "true"),
    "ignore_generation": _ignore_generation,
    "joined_lookups": _joined_lookups,
}


def _build(settings: Settings) -> Catalog:
    return CONTROLS[os.environ["CONTROL"]](settings, bootstrap.build_store(settings))


bootstrap.build_catalog = _build
