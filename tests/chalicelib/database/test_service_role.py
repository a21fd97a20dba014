"""The role that the service logs in as, on a real PostgreSQL: its rights, their limits, and how it is made."""

import contextlib
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing

import pytest
from pg8000 import native

from chalicelib.database.migrate import MigrationError, MigrationTimeouts, migrate, try_service, upgrade
from chalicelib.database.migrations import RefusedError
from chalicelib.database.service_role import ServiceRole, scram_hash
from chalicelib.settings import Settings, read_settings
from chalicelib.stores.credentials import FixedCredentials
from local.waiting import wait_until
from tests.chalicelib.database.products import KETTLE, RADIO, TV, agree, database_at, session, sql, store_at
from tests.fixtures.servers import ROOT, passed_on
from tests.fixtures.stores import Databases, OwnPostgres

ROLE, PASSWORD = "shop service", "a-Password_1"  # a name that must be quoted
OWNER = "tests_owner"


@pytest.fixture(scope="module")
def owned_url(postgres: OwnPostgres, databases: Databases) -> Iterator[str]:
    """A database whose owner, as on RDS, is no superuser but may create roles. It has a table of another service."""
    with databases.fresh(migrated=False) as url, postgres.connected() as server:
        server.run(f"CREATE ROLE {OWNER} LOGIN CREATEROLE PASSWORD 'owner'")
        server.run("CREATE ROLE rds_iam")
        server.run(f"GRANT rds_iam TO {OWNER} WITH ADMIN OPTION, INHERIT FALSE, SET FALSE")
        server.run(f"ALTER DATABASE {url.rpartition('/')[2]} OWNER TO {OWNER}")
        yield as_user(url, OWNER, "owner")
        with session(url) as connection:
            connection.run(f'DROP OWNED BY {OWNER}, "{ROLE}"')
        server.run(f'DROP ROLE "{ROLE}"')
        server.run(f"ALTER DATABASE {url.rpartition('/')[2]} OWNER TO postgres")
        server.run(f"DROP ROLE {OWNER}")
        server.run("DROP ROLE rds_iam")


@pytest.fixture(scope="module")
def role_url(owned_url: str) -> str:
    """The role's URL of that database, which its owner has migrated."""
    establish(owned_url)
    sql(owned_url, "CREATE TABLE other (id INT)")
    return as_user(owned_url, ROLE, PASSWORD)


def as_user(url: str, user: str, password: str) -> str:
    scheme, _, rest = url.partition("://")
    return f"{scheme}://{user.replace(' ', '%20')}:{password}@{rest.rpartition('@')[2]}"


def establish(owner_url: str, role: ServiceRole = ServiceRole(ROLE, PASSWORD)) -> None:  # noqa: B008 - frozen
    address, credentials = database_at(owner_url)
    upgrade(address, FixedCredentials(credentials), lambda step: None, role=role)


def settings_at(url: str) -> Settings:
    return read_settings({"DATABASE_URL": url, "REDIS_URL": "redis://unused"})


class TestWhatItMay:
    """The role may do all that the service does."""

    def test_the_store_works(self, role_url: str) -> None:
        with closing(store_at(role_url)) as store:
            assert store.create(TV) is None
            assert store.create(RADIO) == TV
            assert store.read(1) == TV
            assert store.replace(RADIO)
            assert store.replace_if(KETTLE, agree)
            assert list(store.page(0, 10)) == [KETTLE]
            assert store.remove(1)

    def test_it_has_exactly_four_rights_and_one_way_to_log_in(self, role_url: str, owned_url: str) -> None:
        granted = sql(
            owned_url,
            "SELECT table_name, privilege_type FROM information_schema.table_privileges"
            " WHERE grantee = :role ORDER BY 1, 2",
            role=ROLE,
        )
        assert granted == [["products", right] for right in ("DELETE", "INSERT", "SELECT", "UPDATE")]

    def test_its_time_limits_hold_without_a_client_that_sets_them(self, role_url: str) -> None:
        """Behind a pooler; RDS Proxy would pin the client."""
        asked = "SELECT current_setting('statement_timeout'), current_setting('lock_timeout'),"
        assert sql(role_url, f"{asked} current_setting('idle_in_transaction_session_timeout')") == [
            ["540ms", "400ms", "5s"]
        ]


class TestWhatItMayNot:
    """Everything else is refused by the server, with 42501 (insufficient privilege)."""

    @pytest.mark.parametrize(
        "statement",
        [
            "CREATE TABLE mine (id INT)",
            "CREATE VIEW mine AS SELECT 1",
            "CREATE FUNCTION mine() RETURNS INT LANGUAGE sql AS 'SELECT 1'",
            "CREATE TEMPORARY TABLE mine (id INT)",
            "CREATE TEMPORARY SEQUENCE mine",
            "CREATE SCHEMA mine",
            "CREATE DATABASE mine",
            "CREATE ROLE mine",
            "DROP TABLE products",
            "DROP TABLE other",
            "TRUNCATE products",
            "ALTER TABLE products ADD mine INT",
            "ALTER TABLE products DROP CONSTRAINT products_valid_price",
            "CREATE INDEX mine ON products (name)",
            "CREATE RULE mine AS ON DELETE TO products DO INSTEAD NOTHING",
            "SELECT * FROM other",
            "INSERT INTO other VALUES (1)",
            "SELECT * FROM alembic_version",
            "UPDATE alembic_version SET version_num = '9999'",
            "SELECT rolpassword FROM pg_authid",
            f"SET ROLE {OWNER}",
            "SET ROLE postgres",
            "SET SESSION AUTHORIZATION postgres",
            f"ALTER ROLE {OWNER} PASSWORD 'mine'",
            f'ALTER ROLE "{ROLE}" CREATEDB',
            "ALTER SYSTEM SET log_statement = 'none'",
            "COPY products TO PROGRAM 'cat'",
            "COPY products TO '/tmp/products'",
            "SELECT pg_read_file('/etc/passwd')",
        ],
    )  # fmt: skip
    def test_it_is_refused(self, role_url: str, statement: str) -> None:
        with pytest.raises(native.DatabaseError) as raised:
            sql(role_url, statement)
        assert raised.value.args[0]["C"] == "42501", raised.value

    def test_it_cannot_grant_its_rights(self, role_url: str, owned_url: str) -> None:
        sql(role_url, "GRANT SELECT ON products TO PUBLIC")  # the server only warns: the role may not grant
        held = sql(owned_url, "SELECT has_table_privilege('public', 'products', 'SELECT')")
        assert held == [[False]]


class TestWhoMakesIt:
    """The migration makes the role, or sets the rights of an existing one."""

    def test_a_second_run_revokes_what_was_granted_in_between(self, role_url: str, owned_url: str) -> None:
        for statement in (
            f'GRANT SELECT, UPDATE ON other, alembic_version TO "{ROLE}"',
            f'GRANT SELECT (id) ON other TO "{ROLE}"',
            f'GRANT CREATE ON SCHEMA public TO "{ROLE}"',
            f'GRANT TRUNCATE ON products TO "{ROLE}"',
            f'GRANT TEMPORARY ON DATABASE {owned_url.rpartition("/")[2]} TO "{ROLE}"',
        ):
            sql(owned_url, statement)
        sql(role_url, "SELECT * FROM other")
        establish(owned_url)
        TestWhatItMay().test_it_has_exactly_four_rights_and_one_way_to_log_in(role_url, owned_url)
        for statement in ("SELECT * FROM other", "SELECT id FROM other", "CREATE TABLE mine (id INT)"):
            TestWhatItMayNot().test_it_is_refused(role_url, statement)

    def test_a_connected_service_never_loses_a_right(self, role_url: str, owned_url: str) -> None:
        with closing(store_at(role_url)) as store:
            store.read(1)
            establish(owned_url)
            assert store.read(1) is None
            assert store.pool.checkedin() == 1  # the same connection

    def test_a_new_password_replaces_the_old_one(self, role_url: str, owned_url: str) -> None:
        establish(owned_url, ServiceRole(ROLE, "new"))
        try:
            sql(as_user(owned_url, ROLE, "new"), "SELECT 1")
            with pytest.raises(native.DatabaseError, match="28P01"):
                sql(role_url, "SELECT 1")
        finally:
            establish(owned_url)
        sql(role_url, "SELECT 1")

    def test_the_server_never_sees_the_password(self, own_postgres: OwnPostgres) -> None:
        """RDS logs DDL statements (log_statement=ddl) to CloudWatch."""
        with own_postgres.connected() as server:
            server.run("ALTER SYSTEM SET log_statement = 'all'")
            server.run("SELECT pg_reload_conf()")
        establish(own_postgres.address.url)
        log = own_postgres.log.read_text(errors="replace")
        assert "ALTER ROLE" in log
        assert PASSWORD not in log

    def test_by_token_it_is_a_member_of_rds_iam_and_has_no_password(self, role_url: str, owned_url: str) -> None:
        member = f"SELECT pg_has_role('{ROLE}', 'rds_iam', 'MEMBER')"
        establish(owned_url, ServiceRole(ROLE, by_token=True))
        assert sql(owned_url, member) == [[True]]
        with pytest.raises(native.DatabaseError, match="28P01"):
            sql(role_url, "SELECT 1")
        establish(owned_url)
        assert sql(owned_url, member) == [[False]], "on RDS, a member cannot log in with a password"
        sql(role_url, "SELECT 1")

    def test_another_way_to_log_in_is_not_changed(self, role_url: str, owned_url: str) -> None:
        establish(owned_url, ServiceRole(ROLE))
        sql(role_url, "SELECT 1")

    def test_the_role_can_insert_into_a_table_with_a_sequence(self, role_url: str, owned_url: str) -> None:
        sql(owned_url, "ALTER TABLE products ADD made SERIAL, ADD counted INT GENERATED ALWAYS AS IDENTITY")
        try:
            establish(owned_url)
            with closing(store_at(role_url)) as store:
                assert store.create(TV) is None
            with pytest.raises(native.DatabaseError, match="42501"):
                sql(role_url, "SELECT setval('products_made_seq', 1)")
        finally:
            sql(owned_url, "ALTER TABLE products DROP made, DROP counted")
            sql(owned_url, "DELETE FROM products")

    def test_a_table_in_a_schema_of_the_owners_search_path(self, databases: Databases) -> None:
        with databases.fresh(migrated=False) as url:
            sql(url, f"CREATE SCHEMA shops; ALTER DATABASE {url.rpartition('/')[2]} SET search_path = shops")
            with role_of_the_test(url, "elsewhere") as role:
                establish(url, role)
                with closing(store_at(as_user(url, role.name, PASSWORD))) as store:
                    assert store.create(TV) is None


@contextlib.contextmanager
def role_of_the_test(url: str, name: str) -> Iterator[ServiceRole]:
    """Yield a role's name; drop the role afterwards."""
    try:
        yield ServiceRole(name, PASSWORD)
    finally:
        if sql(url, "SELECT 1 FROM pg_roles WHERE rolname = :name", name=name):
            sql(url, f"DROP OWNED BY {name}; DROP ROLE {name}")


class TestRefusals:
    """A role with powers that are not grants is refused and not changed."""

    @pytest.mark.parametrize(
        ("statement", "sentence"),
        [
            ("CREATE ROLE strong CREATEDB", "the role strong may more than log in"),
            ("CREATE ROLE strong SUPERUSER", "the role strong may more than log in"),
            ("CREATE ROLE strong; GRANT pg_read_all_data TO strong", "is a member of pg_read_all_data"),
            ("CREATE ROLE strong; CREATE TABLE theirs (); ALTER TABLE theirs OWNER TO strong", "owns something"),
        ],
    )
    def test_a_role_with_further_powers(self, database_url: str, statement: str, sentence: str) -> None:
        with role_of_the_test(database_url, "strong") as role:
            sql(database_url, statement)
            with pytest.raises(MigrationError, match=sentence) as raised:
                establish(database_url, role)
            assert "\n" not in str(raised.value)
            granted = sql(database_url, "SELECT relacl::text FROM pg_class WHERE relname = 'products'")
            assert "strong" not in str(granted)

    def test_the_owner_itself(self, database_url: str) -> None:
        with pytest.raises(MigrationError, match="would log in as the owner, postgres"):
            establish(database_url, ServiceRole("postgres", PASSWORD))

    def test_tokens_on_a_server_without_iam(self, own_database_url: str) -> None:
        with pytest.raises(MigrationError, match=r"has no role rds_iam.*turn on IAM database authentication"):
            establish(own_database_url, ServiceRole("by_token", by_token=True))
        assert sql(own_database_url, "SELECT 1 FROM pg_roles WHERE rolname = 'by_token'") == [], "nothing was changed"

    def test_rights_of_public_that_the_owner_cannot_revoke(self, owned_url: str, databases: Databases) -> None:
        with databases.fresh(migrated=False) as url, role_of_the_test(url, "limited") as role:
            sql(
                url, f"GRANT CREATE, USAGE ON SCHEMA public TO {OWNER}"
            )  # the owner of a table, and not of the database
            with pytest.raises(MigrationError, match="limited may still create temporary tables; have their owner"):
                establish(as_user(url, OWNER, "owner"), role)
            sql(url, f"DROP OWNED BY {OWNER}")

    def test_a_password_that_clients_normalize_differently(self) -> None:
        with pytest.raises(RefusedError, match="ASCII"):
            scram_hash("passwört")


def run(**settings: str) -> tuple[int, str, str]:
    """Run `python -m chalicelib.migrate` with these settings."""
    done = subprocess.run(
        [sys.executable, "-m", "chalicelib.migrate"],
        cwd=ROOT, env={**passed_on(), **settings}, capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    return done.returncode, done.stdout, done.stderr


class TestCommand:
    """`python -m chalicelib.migrate` with an owner's login."""

    def test_the_owner_migrates_and_the_services_login_is_tried(self, database_url: str) -> None:
        with role_of_the_test(database_url, "served"):
            service = as_user(database_url, "served", PASSWORD)
            code, output, errors = run(DATABASE_URL=service, DATABASE_OWNER_URL=database_url)
            assert (code, errors) == (0, "")
            assert output == (
                "The database is up to date.\nThe service logs in as served, and may read and write products.\n"
            )

    def test_without_an_owner_no_role_is_made(self, database_url: str) -> None:
        before = sql(database_url, "SELECT count(*) FROM pg_roles")
        assert run(DATABASE_URL=database_url) == (0, "The database is up to date.\n", "")
        assert sql(database_url, "SELECT count(*) FROM pg_roles") == before

    @pytest.mark.parametrize(
        ("settings", "fault"),
        [
            ({"DATABASE_OWNER_SECRET_ARN": "arn"}, "DATABASE_OWNER_URL is not set"),
            ({"DATABASE_OWNER_URL": "mysql://u:secret@h/d"}, "DATABASE_OWNER_URL must look like"),
            ({"DATABASE_OWNER_URL": "postgresql://h/d?sslmode=prefer"}, "DATABASE_OWNER_URL has no user"),
        ],
    )
    def test_errors_name_the_owners_settings(self, settings: dict[str, str], fault: str) -> None:
        code, output, errors = run(DATABASE_URL="postgresql://u:p@h/d", **settings)
        assert (code, output) == (2, "")
        assert fault in errors
        assert "secret@" not in errors

    def test_a_service_that_cannot_log_in_stops_the_deployment(self, role_url: str) -> None:
        settings = settings_at(as_user(role_url, ROLE, "wrong"))
        with pytest.raises(MigrationError, match=r"was migrated, but the service cannot read it: .*28P01"):
            try_service(settings, MigrationTimeouts(service=0.0))

    def test_the_migration_waits_for_a_login_that_works_late(
        self, role_url: str, owned_url: str, postgres: OwnPostgres
    ) -> None:
        def refusals() -> int:
            return postgres.log.read_text(errors="replace").count(f'authentication failed for user "{ROLE}"')

        before, late = refusals(), settings_at(as_user(role_url, ROLE, "late"))
        try:
            with ThreadPoolExecutor(1) as threads:
                trying = threads.submit(try_service, late, MigrationTimeouts(pause=0.05))
                assert wait_until(lambda: refusals() > before, 5)
                establish(owned_url, ServiceRole(ROLE, "late"))
                assert trying.result() == ROLE
        finally:
            establish(owned_url)


def test_the_previous_version_can_still_be_deployed(role_url: str, owned_url: str) -> None:
    """The previous version uses the owner's login only, and refuses a schema with a step that it does not know."""
    assert sql(owned_url, "SELECT version_num FROM alembic_version") == [["0001"]]
    migrate(owned_url)
    with closing(store_at(owned_url)) as store:
        assert store.create(TV) is None
        assert store.remove(1)
    with closing(store_at(role_url)) as store:
        assert store.read(1) is None, "running tasks of the new version still work"
