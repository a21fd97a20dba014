"""Migrations through PgBouncer: in session mode they work; in transaction mode they stop, because no lock would hold.

A pooler in statement mode stops the start of the service.
"""

import subprocess
import sys
from contextlib import closing

import pytest

from chalicelib.database.migrate import MigrationTimeouts, migrate, upgrade
from chalicelib.settings import SettingsError
from chalicelib.stores.credentials import FixedCredentials
from local.ports import LOOPBACK, free_port
from tests.chalicelib.database.poolers.pgbouncer import PgBouncer, running_pgbouncer
from tests.chalicelib.database.products import database_at, sql, store_at
from tests.fixtures.servers import ROOT, passed_on
from tests.fixtures.stores import OwnPostgres

ONE = "default_pool_size = 1"


@pytest.mark.parametrize("size", [ONE, "default_pool_size = 2"])
def test_a_pooler_in_session_mode_is_migrated_through(
    postgres: OwnPostgres, empty_database_url: str, size: str
) -> None:
    with running_pgbouncer(postgres.address, "pool_mode = session", size) as pooler:
        address, credentials = database_at(pooler.in_front_of(empty_database_url.rpartition("/")[2]))
        quick = MigrationTimeouts(connect=1.0)  # with one connection, the second one waits that long
        upgrade(address, FixedCredentials(credentials), lambda step: None, quick)
    assert sql(empty_database_url, "SELECT count(*) FROM products") == [[0]]


@pytest.mark.parametrize("size", [ONE, "default_pool_size = 5"])
def test_a_pooler_in_transaction_mode_stops_the_migration(
    postgres: OwnPostgres, empty_database_url: str, size: str
) -> None:
    with (
        running_pgbouncer(postgres.address, "pool_mode = transaction", size) as pooler,
        pytest.raises(SettingsError, match="transaction mode"),
    ):
        migrate(pooler.in_front_of(empty_database_url.rpartition("/")[2]))


def test_the_command_then_ends_with_status_2(shared_pooler: PgBouncer, empty_database_url: str) -> None:
    environ = passed_on() | {"DATABASE_URL": shared_pooler.in_front_of(empty_database_url.rpartition("/")[2])}
    command = [sys.executable, "-m", "chalicelib.migrate"]
    ended = subprocess.run(command, env=environ, cwd=ROOT, capture_output=True, text=True, timeout=30, check=False)
    assert (ended.returncode, ended.stdout) == (2, "")
    assert ended.stderr.startswith("DATABASE_URL names a pooler in transaction mode")
    assert ended.stderr.count("\n") == 1


def test_a_pooler_in_statement_mode_stops_the_start(postgres: OwnPostgres, database_url: str) -> None:
    with running_pgbouncer(postgres.address, "pool_mode = statement") as pooler:
        url = pooler.in_front_of(database_url.rpartition("/")[2])
        environ = passed_on() | {"DATABASE_URL": url, "REDIS_URL": f"redis://{LOOPBACK}:{free_port()}"}
        command = [sys.executable, "-m", "fargate", "--host", LOOPBACK, "--port", str(free_port())]
        ended = subprocess.run(command, env=environ, cwd=ROOT, capture_output=True, text=True, timeout=30, check=False)
    assert ended.returncode == 2
    assert ended.stderr.startswith("Cannot start:\nDATABASE_URL names a pooler in statement mode")


def test_statements_need_not_be_prepared_without_a_pooler(database_url: str) -> None:
    with closing(store_at(f"{database_url}?prepared_statements=off")) as store:
        assert store.read(1) is None
        assert sql(database_url, "SELECT 1") == [[1]]
        assert store._sessions.entrance.is_pooled
