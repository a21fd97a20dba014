"""The protocol on every available server: the Redis on the PATH, and the Redis 6.2 and the Valkey in wheels."""

import shutil
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from chalicelib.ports import CacheResult, Reading
from local.servers.redis import programs_of_wheels
from tests.chalicelib.cache.conftest import Task
from tests.fixtures.redis_clients import Client, redis_client
from tests.fixtures.stores import running_redis

OLD, NEW = b'{"id":1,"price":1}', b'{"id":1,"price":2}'


PROGRAMS = {Path(path).parts[-3]: path for path in programs_of_wheels()} | {"PATH": shutil.which("redis-server")}


@pytest.fixture(params=[name for name, program in PROGRAMS.items() if program])
def client(request: pytest.FixtureRequest) -> Iterator[Client]:
    with running_redis(PROGRAMS[request.param]) as server, redis_client(server.url) as client:
        yield client


def test_at_least_one_redis_and_one_valkey_are_available() -> None:
    assert any("valkey" in (program or "") for program in PROGRAMS.values())
    assert any("redis-server" in (program or "") for program in PROGRAMS.values()) or sys.version_info >= (3, 13)


def test_a_product_is_filled_read_written_and_removed(client: Client) -> None:
    task, other = Task(client), Task(client)
    assert task.cache.read(1, lambda: None) == Reading(None, CacheResult.MISS)
    creation = task.cache.fence(1)
    creation.raise_()
    creation.publish(OLD)
    assert other.cache.read(1, lambda: NEW) == Reading(OLD, CacheResult.HIT)
    change = task.cache.fence(1)
    change.raise_()
    other.forget()
    assert other.cache.read(1, lambda: NEW) == Reading(NEW, CacheResult.BYPASS)
    change.publish(NEW)
    assert other.cache.read(1, lambda: OLD) == Reading(NEW, CacheResult.HIT)
    client.flushall()
    other.forget()
    assert other.cache.read(1, lambda: NEW) == Reading(NEW, CacheResult.MISS)
    removal = task.cache.fence(1)
    removal.raise_()
    removal.publish(None)
    other.forget()
    assert other.cache.read(1, lambda: OLD) == Reading(None, CacheResult.HIT)
