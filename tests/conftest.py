"""Stores for every test: a real PostgreSQL and a real Redis for the session, on free ports.

A test that stops, kills or freezes a store uses one of its own (`own_postgres`, `own_redis`).
"""

from collections.abc import Iterator

import pytest
import redis
from hypothesis import HealthCheck, settings

from tests.fixtures.said_once import pytest_runtest_makereport  # noqa: F401 - a hook: pytest finds it here
from tests.fixtures.stores import Databases, OwnPostgres, OwnRedis, running_postgres, running_redis
from tests.machine.signals import catch_ignored
from tests.machine.tls_contexts import share_tls_contexts


def pytest_configure() -> None:
    """Make the tests independent of how they were started and of how fast the machine is."""
    catch_ignored()
    share_tls_contexts()
    settings.register_profile("any machine", deadline=None, suppress_health_check=[HealthCheck.too_slow])
    settings.load_profile("any machine")


@pytest.fixture(scope="session")
def postgres() -> Iterator[OwnPostgres]:
    """The session's PostgreSQL. Do not stop, kill or freeze it."""
    with running_postgres() as server:
        yield server


@pytest.fixture(scope="session")
def databases(postgres: OwnPostgres) -> Databases:
    """Creates fresh databases: `with databases.fresh() as url`."""
    return Databases(postgres)


@pytest.fixture
def database_url(databases: Databases) -> Iterator[str]:
    """A fresh, migrated database for this test."""
    with databases.fresh() as url:
        yield url


@pytest.fixture(scope="module")
def module_database_url(databases: Databases) -> Iterator[str]:
    """A fresh, migrated database for this module's tests together."""
    with databases.fresh() as url:
        yield url


@pytest.fixture
def empty_database_url(databases: Databases) -> Iterator[str]:
    """A database without tables, for tests of the migrations themselves."""
    with databases.fresh(migrated=False) as url:
        yield url


@pytest.fixture(scope="session")
def redis_server() -> Iterator[OwnRedis]:
    """The session's Redis. Do not stop, kill or freeze it."""
    with running_redis() as server:
        yield server


@pytest.fixture
def redis_url(redis_server: OwnRedis) -> str:
    """The session's Redis, empty at the start of this test."""
    return _emptied(redis_server.url)


@pytest.fixture(scope="module")
def module_redis_url(redis_server: OwnRedis) -> str:
    """A part of the session's Redis for this module's tests together, empty at their start."""
    return _emptied(redis_server.url.removesuffix("/0") + "/1")


@pytest.fixture
def own_postgres() -> Iterator[OwnPostgres]:
    """A PostgreSQL that the test may stop, start, kill, freeze and thaw; its database `shop` is empty."""
    with running_postgres() as server:
        yield server


@pytest.fixture
def own_database_url(own_postgres: OwnPostgres) -> str:
    """The database of `own_postgres`, migrated."""
    from chalicelib.database.migrate import migrate

    migrate(own_postgres.address.url)
    return own_postgres.address.url


@pytest.fixture
def own_redis() -> Iterator[OwnRedis]:
    """A Redis that the test may stop, start, kill, freeze and thaw."""
    with running_redis() as server:
        yield server


def _emptied(url: str) -> str:
    with redis.Redis.from_url(url) as client:
        client.flushdb()
    return url
