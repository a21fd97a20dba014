"""Negative controls: the shop with a cache that is wrong in one known way, which the checker must catch.

Each is served like the shop, `CONTROL=no_second_wait python -m fargate tests.consistency.controls:app`: a checker that
calls one of these good is blind, and what it says of the real cache worth nothing.
"""

import asyncio
import os
import threading
from collections.abc import Callable
from concurrent.futures import Future
from typing import Any, cast

import redis

from app import app, on_start
from chalicelib import bootstrap, lease_cache, shared_cache
from chalicelib.batched_lookups import BatchedLookups
from chalicelib.catalog import Catalog
from chalicelib.errors import CacheUnavailableError
from chalicelib.lease_cache import LeaseFence
from chalicelib.lease_terms import LeaseTerms
from chalicelib.ports import Ahead, BeforeCommit, CacheResult, Fence, Load, ProductCache, ProductStore, Reading
from chalicelib.product import Product
from chalicelib.redis_client import redis_client
from chalicelib.settings import Settings

__all__ = ["app", "on_start"]

TTL_SECONDS = 3600


class CommitThenDelete:
    """What most caches do: load on a miss, delete after COMMIT. A load may lie between the two and survive both."""

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

    def read_ahead(self, product_id: int, can_await: bool) -> Ahead:
        return None

    def fence(self, product_id: int) -> Fence:
        return _Deletion(self._client, product_id)


class _Deletion:
    def __init__(self, client: redis.Redis, product_id: int) -> None:
        self._client = client
        self._key = f"p1:{product_id}"

    def raise_(self, **_: object) -> None:
        return

    def publish(self, body: bytes | None) -> None:
        try:
            self._client.delete(self._key)
        except redis.RedisError as error:
            raise CacheUnavailableError(str(error)) from error


class SingleFlight:
    """The right cache behind a usual guard against stampedes: who comes while a read runs gets what that one gets.

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

    def read_ahead(self, product_id: int, can_await: bool) -> Ahead:
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
    """The right fence, but for one of its waits."""

    hasty_step = ""
    _step = ""

    def raise_(self, **situation: Any) -> None:
        self._step = "creation" if _thread.creates else "change"
        super().raise_(**situation)

    def publish(self, body: bytes | None) -> None:
        self._step = "publishing"
        super().publish(body)

    def _wait_out_memories(self, seconds: float) -> None:
        if self._step != self.hasty_step:
            super()._wait_out_memories(seconds)


class _Thread(threading.local):
    creates = False  # there is nothing yet in the place of what is written


_thread = _Thread()


class _Watched:
    """A store that lets fences know whether they stand before a creation."""

    def __init__(self, store: ProductStore) -> None:
        self._store = store

    def __getattr__(self, name: str) -> Any:
        return getattr(self._store, name)

    def create(self, product: Product, before_commit: BeforeCommit) -> bool:
        def settle(stored: Product | None) -> None:
            _thread.creates = stored is None
            try:
                before_commit(stored)
            finally:
                _thread.creates = False

        return self._store.create(product, settle)


def _hasty(step: str) -> Callable[[Settings, ProductStore], Catalog]:
    def build(settings: Settings, store: ProductStore) -> Catalog:
        _HastyFence.hasty_step = step
        lease_cache.LeaseFence = _HastyFence  # type: ignore[misc]
        return Catalog(cast("ProductStore", _Watched(store)), bootstrap.build_cache(settings, store))

    return build


class _OwnTerms(LeaseTerms):
    """The right terms, but a writer waits as long as its own task's leases last, whatever the others'."""

    def longest_seconds(self, answer: object) -> float:
        super().longest_seconds(answer)
        return self._lease_ms / 1000


def _own_terms(settings: Settings, store: ProductStore) -> Catalog:
    bootstrap.LeaseTerms = _OwnTerms  # type: ignore[attr-defined]
    return Catalog(store, bootstrap.build_cache(settings, store))


class _JoinedLookups(BatchedLookups):
    """The right lookups, but one that is asked while another of the same key is under way gets what that one gets."""

    def __init__(self, *arguments: Any) -> None:
        super().__init__(*arguments)
        self._running: dict[str, asyncio.Future[bytes | None]] = {}

    def ask(self, key: str) -> "asyncio.Future[bytes | None]":
        running = self._running.get(key)
        if running is None or running.done():
            running = self._running[key] = super().ask(key)
        return running


def _joined_lookups(settings: Settings, store: ProductStore) -> Catalog:
    shared_cache.BatchedLookups = _JoinedLookups  # type: ignore[misc]
    return Catalog(store, bootstrap.build_cache(settings, store))


CONTROLS: dict[str, Callable[[Settings, ProductStore], Catalog]] = {
    "commit_then_delete": lambda settings, store: Catalog(store, CommitThenDelete(redis_client(settings.redis_url))),
    "single_flight": lambda settings, store: Catalog(store, SingleFlight(bootstrap.build_cache(settings, store))),
    "no_first_wait": _hasty("change"),
    "no_wait_on_creation": _hasty("creation"),
    "no_second_wait": _hasty("publishing"),
    "own_terms": _own_terms,
    "joined_lookups": _joined_lookups,
}


def _build(settings: Settings) -> Catalog:
    return CONTROLS[os.environ["CONTROL"]](settings, bootstrap.build_store(settings))


bootstrap.build_catalog = _build
