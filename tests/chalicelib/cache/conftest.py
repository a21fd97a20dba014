"""The cache over the session's real Redis. Its waits are recorded instead of waited."""

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest
import redis

from chalicelib.cache import hot_set
from chalicelib.cache.audit import Audit
from chalicelib.cache.local_copies import LocalCopies
from chalicelib.cache.read_through import Lifetimes, ReadThroughCache
from chalicelib.cache.redis_steps import RedisSteps
from chalicelib.ports import AuditResult
from chalicelib.redis_client.errors import RedisError
from chalicelib.redis_client.thread_connections import ThreadConnections
from chalicelib.stores.circuit_breaker import CircuitBreaker
from tests.fixtures.entries import since_member
from tests.fixtures.redis_clients import Client, redis_client

LEASE_MS = 50


@dataclass
class Task:
    """One task's cache, its parts, and its recorded waits."""

    client: Client
    lease_ms: int = LEASE_MS
    loop_connection: Callable[[], Any] | None = None
    waits: list[float] = field(default_factory=list)
    database: dict[int, bytes] = field(default_factory=dict)
    audited: list[AuditResult] = field(default_factory=list)

    def __post_init__(self) -> None:
        probe = ThreadConnections(self.client.shop)
        self.breaker = CircuitBreaker(
            "Redis", lambda: hot_set.create(probe.ask), RedisError, is_refusal=self.client.shop.is_refusal
        )
        self.shared = RedisSteps(
            self.client.shop, self.client.shop, self.breaker, loop_connection=self.loop_connection, loop_seconds=5.0
        )
        self.local = LocalCopies()
        self.audit = Audit(self.shared, self.database.get, self.audited.append, one_in=0)
        self.cache = ReadThroughCache(
            self.shared, self.local, self.lease_ms, Lifetimes(), self.audit, sleep=self.waits.append
        )

    def warm(self, product_id: int) -> None:
        """Make the task copy the product from Redis to its memory, by reading it twice."""
        for _ in range(2):
            self.cache.read(product_id, lambda: None)
        assert self.local.get(product_id) is not None

    def forget(self) -> None:
        """Let the copies in the task's memory expire."""
        self.local._kept.clear()


@pytest.fixture
def client(redis_url: str) -> Iterator[Client]:
    """A client of a Redis whose hot set is old enough."""
    with redis_client(redis_url) as client:
        age_hot_set(client)
        yield client


def age_hot_set(client: redis.Redis) -> None:
    """Make the hot set one minute old."""
    client.zadd(hot_set.KEY, {since_member(client): -(time.time() - 60) * 1000})


@pytest.fixture
def new_task(client: Client) -> Callable[..., Task]:
    """Makes tasks; one with `lease_ms=0` keeps nothing in memory."""
    return lambda lease_ms=LEASE_MS: Task(client, lease_ms)


@pytest.fixture
def task(new_task: Callable[..., Task]) -> Task:
    return new_task()
