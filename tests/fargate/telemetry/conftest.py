"""The shop on each server, with a stand-in for the X-Ray daemon."""

from collections.abc import Iterator

import httpx
import pytest

from tests.fargate.telemetry.xray.daemon import Daemon, listening_daemon
from tests.fixtures.servers import Server, serving

KEY = "a-key-of-the-tests"
SERVERS = ("waitress", "uvicorn", "granian")


@pytest.fixture(scope="module")
def daemon() -> Iterator[Daemon]:
    with listening_daemon() as daemon:
        yield daemon


@pytest.fixture(scope="module", params=SERVERS)
def server(
    request: pytest.FixtureRequest, module_database_url: str, module_redis_url: str, daemon: Daemon
) -> Iterator[Server]:
    environ = {
        "DATABASE_URL": module_database_url,
        "REDIS_URL": module_redis_url,
        "API_KEYS": KEY,
        "SERVER": request.param,
        "AWS_XRAY_DAEMON_ADDRESS": daemon.address,
        "REVISION": "0123abc",
        "LOCAL_LEASE_MS": "0",
    }
    with serving(environ) as server:
        yield server


@pytest.fixture(scope="module")
def client(server: Server) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=server.url, timeout=10) as client:
        yield client


@pytest.fixture
def product(client: httpx.Client, request: pytest.FixtureRequest) -> int:
    """A product that no other test uses."""
    product_id = abs(hash(request.node.nodeid)) % 2**31 or 1
    client.post("/data", json={"id": product_id, "name": "a kettle", "price": 20}, headers={"x-api-key": KEY})
    return product_id
