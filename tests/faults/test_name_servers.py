"""A name server that does not answer: each request ends within its limits, and what is known goes on to be used."""

import signal
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
import redis

from tests.chalicelib.database.products import sql
from tests.fargate.telemetry.xray.daemon import Daemon, listening_daemon
from tests.faults.load import assert_unavailable, wait_until
from tests.faults.name_servers import ADDRESS, NameServer, resolving_at, running_name_server
from tests.fixtures.servers import Server, serving
from tests.fixtures.stores import OwnRedis

REQUEST_SECONDS = 3.0
"""How long any request may take, whatever is away. Without a limit, a lookup without an answer takes 5 s here."""

TV = {"id": 1, "name": "TV", "price": 1}
TRACE_ID = "1-5759e988-bd862e3fe1be46a994272793"


@pytest.fixture
def name_server() -> Iterator[NameServer]:
    """One that knows both stores and the collector, and is silent at first."""
    with running_name_server() as server:
        server.is_silent = True
        server.addresses = {f"{name}.test": "127.0.0.1" for name in ("database", "cache", "collector")}
        yield server


@pytest.fixture
def daemon() -> Iterator[Daemon]:
    with listening_daemon() as daemon:
        yield daemon


@pytest.fixture
def server(
    name_server: NameServer, daemon: Daemon, tmp_path: Path, database_url: str, own_redis: OwnRedis
) -> Iterator[Server]:
    """The shop, which knows both stores and the collector by their names, and can ask `name_server` alone.

    Under uvicorn, whose event loop has its own connection to Redis, and whose end waits for its threads.
    """
    environ = {
        "DATABASE_URL": f"{database_url.replace('127.0.0.1', 'database.test')}?sslmode=disable",
        "REDIS_URL": own_redis.url.replace("127.0.0.1", "cache.test"),
        "AWS_XRAY_DAEMON_ADDRESS": daemon.address.replace("127.0.0.1", "collector.test"),
        "API_KEYS": "none",
        "SERVER": "uvicorn",
    }
    with serving(environ, prefix=resolving_at(ADDRESS, tmp_path)) as server:
        yield server


@pytest.fixture
def client(server: Server) -> Iterator[httpx.Client]:
    """Has each request recorded, and fails the test if one does not end in time."""
    recorded = {"X-Amzn-Trace-Id": f"Root={TRACE_ID};Sampled=1"}
    with httpx.Client(base_url=server.url, headers=recorded, timeout=REQUEST_SECONDS) as client:
        yield client


def test_requests_end_in_time_and_what_was_known_once_goes_on_to_be_used(
    server: Server,
    name_server: NameServer,
    client: httpx.Client,
    daemon: Daemon,
    database_url: str,
    own_redis: OwnRedis,
) -> None:
    assert_unavailable(client.get("/product/1"))
    assert_unavailable(client.get("/products"))
    assert_unavailable(client.post("/data", json=TV))
    assert client.get("/readyz").status_code == 200
    server.awaited_output("No name server answers in time for cache.test: it has no addresses yet")

    name_server.is_silent = False
    wait_until(lambda: client.post("/data", json=TV).status_code in {200, 201})
    wait_until(lambda: client.get("/product/1").headers["x-cache"] == "hit")
    wait_until(lambda: client.get("/livez").is_success and not daemon.has_nothing(0.1))

    name_server.is_silent = True
    end_connections(database_url, own_redis)
    wait_until(lambda: client.get("/product/1").headers.get("x-cache") == "hit")
    wait_until(lambda: client.get("/products").status_code == 200)
    server.awaited_output("No name server answers in time for database.test: its last addresses are used")

    server.process.send_signal(signal.SIGTERM)
    server.process.wait(REQUEST_SECONDS)  # for no thread that waits for a name


def end_connections(database_url: str, own_redis: OwnRedis) -> None:
    with redis.Redis.from_url(own_redis.url) as admin:
        admin.client_kill_filter(_type="normal", skipme=True)
    others = "pid <> pg_backend_pid() AND datname = current_database()"
    sql(database_url, f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE {others}")
