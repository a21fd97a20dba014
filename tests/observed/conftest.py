"""A shop under a known load, and a real Prometheus that scrapes it."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass

import httpx
import pytest
import redis

from tests.faults.conftest import stock
from tests.faults.load import PRODUCTS
from tests.fixtures.servers import Server, serving
from tests.fixtures.stores import OwnRedis
from tests.fixtures.tools import program
from tests.observed.api import Prometheus, watching

ROUNDS = 5
READS = 200
"""Requests in a round."""

PRODUCT_READS = 'http_server_request_duration_seconds_count{http_request_method="GET",http_route="/product/{id}"}'


@pytest.fixture(scope="session")
def promtool() -> str:
    """The path of promtool."""
    return program("promtool", "make observe-tools installs it")


@pytest.fixture(scope="session")
def prometheus_program() -> str:
    """The path of Prometheus itself."""
    return program("prometheus", "make observe-tools installs it")


@pytest.fixture(scope="module")
def server(module_database_url: str, module_redis_url: str) -> Iterator[Server]:
    """A shop with ten products."""
    environ = {"DATABASE_URL": module_database_url, "REDIS_URL": module_redis_url, "API_KEYS": "none"}
    with serving(environ) as server:
        with httpx.Client(base_url=server.url, timeout=10) as client:
            stock(client)
        yield server


@pytest.fixture(scope="module")
def prometheus(server: Server, prometheus_program: str) -> Iterator[Prometheus]:
    """A Prometheus that scrapes that shop every second."""
    with watching(server.port) as prometheus:
        yield prometheus


@dataclass(frozen=True, slots=True)
class Load:
    """The client's own record of its requests."""

    statuses: Counter[int]
    cache: Counter[str]


@pytest.fixture(scope="module")
def load(server: Server, prometheus: Prometheus, module_redis_url: str) -> Load:
    """Reads of products in rounds, each with an empty cache. Prometheus has scraped after the last."""
    prometheus.await_value("up", 1)
    seen = Load(Counter(), Counter())
    with httpx.Client(base_url=server.url, timeout=10) as client, redis.Redis.from_url(module_redis_url) as store:
        for number in range(ROUNDS):
            store.flushdb()
            read(client, seen)
            prometheus.await_value(f"sum({PRODUCT_READS})", READS * (number + 1))
    return seen


def read(client: httpx.Client, seen: Load) -> None:
    """Read the ten products again and again."""
    for turn in range(READS):
        answer = client.get(f"/product/{PRODUCTS[turn % len(PRODUCTS)]}")
        seen.statuses[answer.status_code] += 1
        seen.cache[answer.headers["x-cache"]] += 1


@pytest.fixture
def shop_with_own_redis(module_database_url: str, own_redis: OwnRedis) -> Iterator[Server]:
    """A shop whose Redis the test may kill."""
    environ = {"DATABASE_URL": module_database_url, "REDIS_URL": own_redis.url, "API_KEYS": "none"}
    with serving(environ) as server:
        with httpx.Client(base_url=server.url, timeout=10) as client:
            stock(client)
        yield server
