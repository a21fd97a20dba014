"""A migration updates the database, or changes nothing and says why."""

import os
import re
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, suppress
from decimal import Decimal
from pathlib import Path

import pytest
from alembic import command
from pg8000 import native

from chalicelib.database import migrate as migrations
from chalicelib.database.migrate import MigrationError, MigrationTimeouts, migrate
from chalicelib.database_url import DatabaseAddress
from chalicelib.stores.credentials import CredentialSource, FixedCredentials
from local.waiting import wait_until
from tests.chalicelib.database.products import database_at, session, sql, store_at
from tests.fixtures.stores import Databases, OwnPostgres

ROOT = Path(__file__).resolve().parents[3]
LEGACY = "CREATE TABLE Products(id INT PRIMARY KEY, name VARCHAR(100), price DECIMAL(10,2))"
ROWS = [
    [1, "Samsung TV", Decimal("140.00")],
    [2, "x" * 100, Decimal("0.00")],
    [2147483647, "📺", Decimal("99999999.99")],
]


@pytest.fixture(scope="module")
def reused_database_url(databases: Databases) -> Iterator[str]:
    with databases.fresh(migrated=False) as url:
        yield url


@pytest.fixture
def empty_database_url(reused_database_url: str) -> str:
    """A database without tables. Emptying one is much faster than creating one."""
    sql(reused_database_url, "DROP SCHEMA public CASCADE; CREATE SCHEMA public; GRANT USAGE ON SCHEMA public TO PUBLIC")
    return reused_database_url


@pytest.fixture
def database_url(empty_database_url: str) -> str:
    """A migrated database."""
    migrate(empty_database_url)
    return empty_database_url


def schema(url: str) -> tuple[list[list[object]], list[list[object]]]:
    """Return the table's columns and constraints."""
    columns = sql(
        url,
        "SELECT attname, format_type(atttypid, atttypmod), attnotnull FROM pg_attribute"
        " WHERE attrelid = 'products'::regclass AND attnum > 0 ORDER BY attnum",
    )
    constraints = sql(
        url,
        "SELECT contype::text, pg_get_constraintdef(oid) FROM pg_constraint"
        " WHERE conrelid = 'products'::regclass AND contype IN ('p', 'c') ORDER BY 1, 2",
    )
    return columns, constraints


def insert(url: str, *rows: list[object]) -> None:
    for product_id, name, price in rows:
        sql(url, "INSERT INTO products VALUES (:id, :name, :price)", id=product_id, name=name, price=price)


def products(url: str) -> list[list[object]]:
    return sql(url, "SELECT id, name, price FROM products ORDER BY id")


def run(environ: Mapping[str, str]) -> "subprocess.Popen[str]":
    """Start `python -m chalicelib.migrate` with only these settings."""
    kept = {name: os.environ[name] for name in ("PATH", "HOME", "LANG") if name in os.environ}
    return subprocess.Popen(
        [sys.executable, "-m", "chalicelib.migrate"],
        cwd=ROOT,
        env={**kept, **environ},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def ended(process: "subprocess.Popen[str]") -> tuple[int, str, str]:
    output, errors = process.communicate(timeout=60)
    return process.returncode, output, errors


class TestSchema:
    """An empty database and a legacy table end with the same schema, which enforces the contract."""

    def test_an_empty_database_gets_the_table(self, empty_database_url: str) -> None:
        migrate(empty_database_url)
        columns, constraints = schema(empty_database_url)
        assert columns == [
            ["id", "integer", True],
            ["name", "character varying(100)", True],
            ["price", "numeric(10,2)", True],
        ]
        assert len(constraints) == 4

    def test_a_legacy_table_becomes_the_same_and_keeps_its_rows(
        self, empty_database_url: str, module_database_url: str
    ) -> None:
        sql(empty_database_url, LEGACY)
        insert(empty_database_url, *ROWS)
        migrate(empty_database_url)
        assert schema(empty_database_url) == schema(module_database_url)
        assert products(empty_database_url) == ROWS

    def test_a_legacy_table_without_a_key_gets_one(self, empty_database_url: str, module_database_url: str) -> None:
        sql(empty_database_url, LEGACY.replace(" PRIMARY KEY", ""))
        insert(empty_database_url, *ROWS)
        migrate(empty_database_url)
        assert schema(empty_database_url) == schema(module_database_url)
        assert products(empty_database_url) == ROWS

    def test_a_legacy_table_keeps_its_own_columns_and_checks(self, empty_database_url: str) -> None:
        sql(empty_database_url, LEGACY.replace("name VARCHAR(100)", "name VARCHAR(100) CHECK (name <> 'none')"))
        sql(empty_database_url, "ALTER TABLE products ADD note TEXT, ADD made TIMESTAMPTZ NOT NULL DEFAULT now()")
        migrate(empty_database_url)
        columns, constraints = schema(empty_database_url)
        assert [column[0] for column in columns] == ["id", "name", "price", "note", "made"]
        assert len(constraints) == 5

    def test_migrating_again_changes_nothing(self, database_url: str) -> None:
        before = schema(database_url)
        insert(database_url, *ROWS)
        migrate(database_url)
        assert (schema(database_url), products(database_url)) == (before, ROWS)

    @pytest.mark.parametrize(
        "row",
        [
            (0, "TV", 1), (-1, "TV", 1), (None, "TV", 1), (1, "", 1), (1, None, 1), (1, "x" * 101, 1),
            (1, "TV", "-0.01"), (1, "TV", None), (1, "TV", "100000000"), (1, "TV", "NaN"),
        ],
    )  # fmt: skip
    def test_the_database_refuses_an_invalid_product(self, module_database_url: str, row: list[object]) -> None:
        with pytest.raises(native.DatabaseError):
            insert(module_database_url, row)

    def test_a_downgrade_keeps_the_table_and_its_rows(self, database_url: str) -> None:
        insert(database_url, *ROWS)
        downgrade(database_url)
        assert products(database_url) == ROWS
        _, constraints = schema(database_url)
        assert constraints == [["p", "PRIMARY KEY (id)"]]
        insert(database_url, [3, None, None])
        sql(database_url, "DELETE FROM products WHERE id = 3")
        migrate(database_url)
        assert len(schema(database_url)[1]) == 4


class TestRefusals:
    """If a person must decide, nothing is changed, and one sentence says what to do."""

    @pytest.mark.parametrize(
        ("rows", "sentence"),
        [
            ([[1, "", 1]], r"1 row\(s\) of products are no products \(id: 1\)"),
            ([[5, None, 1], [3, "TV", None]], r"2 row\(s\) .*\(id: 3, 5\)"),
            ([[-number, "TV", 1] for number in range(9)], r"9 row\(s\) .*\(id: -8, -7, -6, -5, -4\)"),
            ([[1, "TV", "-1"], [2, "TV", 1]], r"1 row\(s\) .*\(id: 1\).*correct or delete them, and migrate again"),
            ([[1, "TV", "NaN"]], r"1 row\(s\) .*\(id: 1\)"),
        ],
    )
    def test_invalid_rows(self, empty_database_url: str, rows: list[list[object]], sentence: str) -> None:
        sql(empty_database_url, LEGACY)
        insert(empty_database_url, *rows)
        self._refused(empty_database_url, sentence)
        sql(empty_database_url, "DELETE FROM products")
        migrate(empty_database_url)

    def test_duplicate_ids_without_a_primary_key(self, empty_database_url: str) -> None:
        sql(empty_database_url, LEGACY.replace(" PRIMARY KEY", ""))
        insert(empty_database_url, [1, "TV", 1], [1, "TV", 1], [2, "TV", 1], [7, "TV", 1], [7, "TV", 2])
        self._refused(empty_database_url, r"several rows share an id \(first: 1, 7\); keep one of each")

    def test_missing_ids_without_a_primary_key(self, empty_database_url: str) -> None:
        sql(empty_database_url, LEGACY.replace(" PRIMARY KEY", ""))
        insert(empty_database_url, [None, "TV", 1])
        self._refused(empty_database_url, r"1 row\(s\) .*\(id: none\)")

    @pytest.mark.parametrize(
        ("table", "sentence"),
        [
            (LEGACY.replace("id INT", "id BIGINT"), "has id bigint where the shop needs id integer"),
            (LEGACY.replace("DECIMAL(10,2)", "REAL"), "has price real where"),
            (LEGACY.replace("DECIMAL(10,2)", "DECIMAL(12,4)"), r"has price numeric\(12,4\) where"),
            (LEGACY.replace("VARCHAR(100)", "VARCHAR(50)"), r"has name character varying\(50\) where"),
            ("CREATE TABLE products (id INT PRIMARY KEY, price DECIMAL(10,2))", r"has name \(missing\) where"),
            (LEGACY.replace(" PRIMARY KEY", "").replace("))", "), PRIMARY KEY (id, name))"), r"is \(id, name\) where"),
            (LEGACY.replace("))", "), maker TEXT NOT NULL)"), r"must not be empty \(maker\)"),
            ("CREATE VIEW products AS SELECT 1 AS id", "is not a table"),
        ],
    )
    def test_a_table_with_another_schema(self, empty_database_url: str, table: str, sentence: str) -> None:
        sql(empty_database_url, table)
        self._refused(empty_database_url, sentence)

    def test_a_database_of_another_encoding(self, postgres: OwnPostgres) -> None:
        with postgres.connected() as connection:
            connection.run(
                "CREATE DATABASE narrow TEMPLATE template0 ENCODING 'SQL_ASCII' LOCALE_PROVIDER libc LOCALE 'C'"
            )
        try:
            with pytest.raises(MigrationError, match="its encoding is SQL_ASCII"):
                migrate(postgres.address_of("narrow").url)
        finally:
            postgres.drop_database("narrow")

    def _refused(self, url: str, sentence: str) -> None:
        before = schema(url), products_if_any(url)
        with pytest.raises(MigrationError, match=sentence) as raised:
            migrate(url)
        assert "\n" not in str(raised.value)
        assert (schema(url), products_if_any(url)) == before
        assert sql(url, "SELECT to_regclass('alembic_version')") == [[None]]


class TestTogether:
    """A migration beside others, and beside the running service."""

    @pytest.mark.parametrize("table", ["", LEGACY], ids=["no table", "a legacy table"])
    def test_two_simultaneous_migrations_run_one_after_the_other(self, empty_database_url: str, table: str) -> None:
        if table:
            sql(empty_database_url, table)
        both = [run({"DATABASE_URL": empty_database_url}) for _ in range(2)]
        results = sorted(ended(process) for process in both)
        assert [(code, errors) for code, _, errors in results] == [(0, ""), (0, "")]
        first, second = (output for _, output, _ in results)
        assert first.startswith("Migrated: 0001 ")
        assert second == "The database is up to date.\n"

    def test_a_migration_waits_for_one_that_runs(self, empty_database_url: str) -> None:
        with session(empty_database_url) as other, ThreadPoolExecutor(1) as threads:
            other.run(f"SELECT pg_advisory_lock({migrations.ADVISORY_LOCK})")
            waiting = threads.submit(migrate, empty_database_url)
            time.sleep(0.5)
            assert not waiting.done()
            assert sql(empty_database_url, "SELECT to_regclass('products')") == [[None]]
            other.run(f"SELECT pg_advisory_unlock({migrations.ADVISORY_LOCK})")
            waiting.result()
        assert products(empty_database_url) == []

    def test_the_lock_is_free_again_afterwards(self, database_url: str) -> None:
        migrate(database_url)
        assert sql(database_url, f"SELECT pg_try_advisory_lock({migrations.ADVISORY_LOCK})") == [[True]]

    def test_a_migration_retries_until_a_locked_table_is_free(self, empty_database_url: str) -> None:
        sql(empty_database_url, LEGACY)
        insert(empty_database_url, *ROWS)
        with session(empty_database_url) as reader, ThreadPoolExecutor(1) as threads:
            reader.run("BEGIN")
            reader.run("SELECT * FROM products")
            migration = threads.submit(upgrade, empty_database_url, MigrationTimeouts(lock=0.1, pause=0.1))
            time.sleep(0.5)
            assert not migration.done()
            reader.run("COMMIT")
            migration.result()
        assert products(empty_database_url) == ROWS
        assert len(schema(empty_database_url)[1]) == 4

    def test_a_table_that_stays_locked_is_not_changed(self, empty_database_url: str) -> None:
        sql(empty_database_url, LEGACY)
        with session(empty_database_url) as reader:
            reader.run("BEGIN")
            reader.run("SELECT * FROM products")
            with pytest.raises(MigrationError, match="products was in use all the time"):
                upgrade(empty_database_url, MigrationTimeouts(lock=0.1, pause=0.1, tries=3))
        assert len(schema(empty_database_url)[1]) == 1

    def test_reads_go_on_while_a_migration_waits_for_the_table(self, empty_database_url: str) -> None:
        """A long query locks the table. No read of the service, whose timeout is 0.9 s, fails."""
        sql(empty_database_url, LEGACY)
        with session(empty_database_url) as reader, ThreadPoolExecutor(1) as threads:
            reader.run("BEGIN")
            reader.run("SELECT * FROM products")
            migration = threads.submit(upgrade, empty_database_url, MigrationTimeouts(pause=0.1))
            with closing(store_at(empty_database_url)) as store:
                until = time.monotonic() + 1  # three tries
                while time.monotonic() < until:
                    assert store.read(1) is None
            reader.run("COMMIT")
            migration.result()


class TestCommand:
    """The output and the exit status of `python -m chalicelib.migrate`."""

    def test_it_prints_the_steps(self, empty_database_url: str) -> None:
        environ = {"DATABASE_URL": empty_database_url}
        assert ended(run(environ)) == (
            0, "Migrated: 0001 Create the table of products, or take over the one that is there\n", "",
        )  # fmt: skip
        assert ended(run(environ)) == (0, "The database is up to date.\n", "")

    def test_an_error_is_one_sentence(self, empty_database_url: str) -> None:
        sql(empty_database_url, LEGACY)
        insert(empty_database_url, [1, "", 1])
        code, output, errors = ended(run({"DATABASE_URL": empty_database_url}))
        assert (code, output) == (1, "")
        assert errors.startswith("the database ")
        assert "are no products (id: 1)" in errors
        assert errors.count("\n") == 1

    @pytest.mark.parametrize(
        ("change", "sentence"),
        [
            (lambda url: "postgresql://u:secret@127.0.0.1:1/shop", "cannot be reached: "),
            (lambda url: url.replace("postgres:", "postgres:secret"), "password authentication failed"),
            (lambda url: url.rpartition("/")[0] + "/nowhere", 'database "nowhere" does not exist'),
            (lambda url: url + "?sslmode=require", "no TLS"),
            (lambda url: "mysql://u:secret@localhost/shop", "DATABASE_URL must look like"),
            (lambda url: "", "DATABASE_URL is not set"),
        ],
    )
    def test_a_database_that_cannot_be_reached(
        self, empty_database_url: str, change: Callable[[str], str], sentence: str
    ) -> None:
        code, output, errors = ended(run({"DATABASE_URL": change(empty_database_url)}))
        assert (code, output) == (2 if "DATABASE_URL" in sentence else 1, ""), "2: a setting is wrong"
        assert sentence in errors
        assert errors.count("\n") == 1
        assert "secret" not in errors

    def test_a_user_without_the_rights(self, empty_database_url: str) -> None:
        sql(empty_database_url, "CREATE ROLE reader LOGIN PASSWORD 'secret'")
        try:
            code, _, errors = ended(run({"DATABASE_URL": login(empty_database_url, "reader:secret")}))
        finally:
            sql(empty_database_url, "DROP ROLE reader")
        assert code == 1
        assert "permission denied for schema public" in errors
        assert errors.count("\n") == 1

    def test_a_database_that_a_newer_version_has_migrated(self, database_url: str) -> None:
        sql(database_url, "UPDATE alembic_version SET version_num = '9999'")
        code, _, errors = ended(run({"DATABASE_URL": database_url}))
        assert code == 1
        assert re.search("was migrated by another version of this shop: .*9999", errors)
        assert errors.count("\n") == 1

    def test_a_database_that_stops_during_the_migration(self, own_postgres: OwnPostgres) -> None:
        url = own_postgres.address.url
        with suppress(native.InterfaceError, OSError), session(url) as other:  # this session fails too
            other.run(f"SELECT pg_advisory_lock({migrations.ADVISORY_LOCK})")
            process = run({"DATABASE_URL": url})
            assert wait_until(lambda: len(sql(url, "SELECT 1 FROM pg_stat_activity WHERE datname = 'shop'")) > 2, 30)
            own_postgres.kill()
        code, _, errors = ended(process)
        assert code == 1
        assert errors.startswith("the database shop on 127.0.0.1:")
        assert errors.count("\n") == 1, errors

    def test_a_frozen_database_is_an_error(self, own_postgres: OwnPostgres) -> None:
        url = own_postgres.address.url
        own_postgres.freeze()
        with pytest.raises(MigrationError, match="cannot be reached: "):
            upgrade(url, MigrationTimeouts(connect=0.5))


def products_if_any(url: str) -> object:
    return sql(url, "SELECT row_to_json(products)::text FROM products ORDER BY 1")


def upgrade(url: str, timeouts: MigrationTimeouts) -> None:
    address, credentials = database(url)
    migrations.upgrade(address, credentials, lambda step: None, timeouts)


def downgrade(url: str) -> None:
    with migrations.connected(*database(url)) as connection:
        command.downgrade(migrations.alembic_config(connection, lambda step: None), "base")


def database(url: str) -> tuple[DatabaseAddress, CredentialSource]:
    address, credentials = database_at(url)
    return address, FixedCredentials(credentials)


def login(url: str, userinfo: str) -> str:
    scheme, _, rest = url.partition("://")
    return f"{scheme}://{userinfo}@{rest.rpartition('@')[2]}"
