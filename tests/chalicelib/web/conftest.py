"""A running shop, shared by the tests of one module."""

from collections.abc import Iterator

import httpx
import pytest

from tests.fixtures.servers import Server, serving

KEY = "a-key-of-the-tests"


@pytest.fixture(scope="module")
def server(module_database_url: str, module_redis_url: str) -> Iterator[Server]:
    environ = {"DATABASE_URL": module_database_url, "REDIS_URL": module_redis_url, "API_KEYS": f"another,{KEY}"}
    with serving(environ) as server:
        yield server


@pytest.fixture(scope="module")
def shop(server: Server) -> Iterator[httpx.Client]:
    """A client with a valid API key."""
    with httpx.Client(base_url=server.url, headers={"x-api-key": KEY}, timeout=10) as client:
        yield client
