"""A database that was not migrated is named with the command that does it, and the service waits for it."""

import json
from collections.abc import Iterator
from contextlib import closing, contextmanager

import httpx
import pytest

from chalicelib.database.migrate import migrate
from chalicelib.database.start_check import NotMigratedError
from local.waiting import wait_until
from tests.chalicelib.database.products import KETTLE, RADIO, TV, agree, sql, store_at
from tests.fixtures.servers import is_alive, serving

COMMAND = "python -m chalicelib.migrate"
SECONDS = 10.0


def test_it_is_503_until_the_migration_and_one_line_names_the_command(empty_database_url: str, redis_url: str) -> None:
    environ = {"DATABASE_URL": empty_database_url, "REDIS_URL": redis_url, "API_KEYS": "none"}
    with (
        serving(environ, ready=is_alive) as server,
        httpx.Client(base_url=server.url, timeout=SECONDS) as shop,
    ):
        server.awaited_output(COMMAND)
        for _ in range(3):
            for path in ("/readyz", "/products", "/product/1"):
                assert shop.get(path).status_code == 503
            assert shop.post("/data", json={"id": 1, "name": "TV", "price": 140}).status_code == 503
        assert shop.get("/readyz").json() == {"status": "NotReady", "reason": "the database is not migrated"}
        assert shop.get("/products").headers["retry-after"] == "1"
        assert shop.get("/status").status_code == 200
        lines = [json.loads(line) for line in server.output().splitlines()]
        assert [line for line in lines if "exception" in line] == []
        named = [line["message"] for line in lines if COMMAND in line["message"]]
        assert len(named) < 4, "one line in 5 s, for many requests"
        migrate(empty_database_url)
        assert wait_until(lambda: shop.get("/readyz").status_code == 200, SECONDS)
        assert shop.get("/products").status_code == 200


@contextmanager
def restricted(url: str, rights: str) -> Iterator[str]:
    """A user of the database that has these rights to products only."""
    sql(url, "CREATE ROLE restricted LOGIN PASSWORD 'restricted'")
    try:
        sql(url, f"GRANT {rights} ON products TO restricted")
        login, _, place = url.rpartition("@")
        yield f"{login.partition('://')[0]}://restricted:restricted@{place}"
    finally:
        sql(url, "DROP OWNED BY restricted")
        sql(url, "DROP ROLE restricted")


@pytest.mark.parametrize(
    ("change", "state"),
    [
        ("DROP TABLE products", "42P01"),
        ("ALTER TABLE products RENAME COLUMN price TO cost", "42703"),
        ("ALTER TABLE products RENAME COLUMN name TO title", "42703"),
    ],
)
def test_what_breaks_later_fails_requests_and_takes_no_task_out_of_service(
    database_url: str, change: str, state: str
) -> None:
    with closing(store_at(database_url)) as store:
        store.create(TV)
        sql(database_url, change)
        operations = (lambda: store.page(0, 1), lambda: store.replace(RADIO), lambda: store.replace_if(RADIO, agree))
        for operation in operations:
            with pytest.raises(NotMigratedError, match=f"{state}.*{COMMAND}"):
                operation()
        assert store.is_migrated


def test_a_right_that_is_missing_fails_only_what_needs_it(database_url: str) -> None:
    with restricted(database_url, "SELECT") as url, closing(store_at(url)) as store:
        for _ in range(3):
            with pytest.raises(NotMigratedError, match=f"42501.*{COMMAND}"):
                store.create(KETTLE)
            assert store.read(1) is None
        assert store.is_migrated


def test_a_database_that_does_not_exist_is_waited_for(database_url: str) -> None:
    name = database_url.rpartition("/")[2]
    with closing(store_at(f"{database_url}_late")) as store:
        with pytest.raises(NotMigratedError, match=f'database "{name}_late" does not exist'):
            store.read(1)
        assert not store.is_migrated
        sql(database_url.replace(name, "postgres"), f"CREATE DATABASE {name}_late TEMPLATE {name}")
        try:
            assert wait_until(lambda: store.is_migrated, SECONDS)
            assert store.read(1) is None
        finally:
            store.close()
            sql(database_url.replace(name, "postgres"), f"DROP DATABASE {name}_late WITH (FORCE)")
