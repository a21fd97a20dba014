"""A shop with its own stores and ten products."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import httpx
import pytest

from tests.faults.load import PRODUCTS
from tests.fixtures.servers import Server, serving
from tests.fixtures.stores import OwnRedis

with_and_without_a_loop = pytest.mark.parametrize(
    "server", ["waitress", "uvicorn"], ids=["threads", "a loop"], indirect=True
)
"""For tests of faults of Redis: an event loop uses its own connection to it."""


@pytest.fixture
def server(request: pytest.FixtureRequest, own_redis: OwnRedis) -> Iterator[Server]:
    """The shop under waitress; for tests marked `with_and_without_a_loop`, also under another server.

    Tests that do not harm PostgreSQL use the session's.
    """
    database = "own_database_url" if "own_postgres" in request.fixturenames else "database_url"
    environ = {
        "DATABASE_URL": request.getfixturevalue(database),
        "REDIS_URL": own_redis.url,
        "API_KEYS": "none",
        "SERVER": getattr(request, "param", "waitress"),
    }
    with serving(environ) as server:
        yield server


@pytest.fixture
def shop(server: Server) -> Iterator[httpx.Client]:
    """A client of a shop that has ten products."""
    with httpx.Client(base_url=server.url, timeout=10) as client:
        stock(client)
        yield client


def stock(client: httpx.Client) -> None:
    """Store the ten products of the load. Each write waits for local copies, so several run at a time."""
    with ThreadPoolExecutor(4) as pool:  # fewer than the shop has connections to PostgreSQL
        stored = pool.map(lambda each: client.post("/data", json={"id": each, "name": "TV", "price": each}), PRODUCTS)
    assert {each.status_code for each in stored} <= {200, 201}
