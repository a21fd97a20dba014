"""Logging in: `sslmode` is honoured, and refused credentials are read again."""

import ssl
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest
from pg8000 import native

from chalicelib.database.login import LoginRefusedError, log_in
from chalicelib.database.store import PostgresStore
from chalicelib.errors import DatabaseUnavailableError
from chalicelib.settings import SettingsError
from tests.chalicelib.database.products import TV, backend_of, database_at, fill_pool, lent, sql, store_at, trips
from tests.chalicelib.rotating_secret import RotatingSecret
from tests.fixtures.certificates import Authority
from tests.fixtures.stores import OwnPostgres
from tests.fixtures.wire import proxied


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("authority"))


@contextmanager
def behind(
    products_url: str, options: str, tls: ssl.SSLContext | None, host: str = "localhost"
) -> Iterator[PostgresStore]:
    with (
        proxied(products_url, tls) as proxy,
        closing(store_at(f"{proxy.in_front_of(products_url, host)}?{options}")) as store,
    ):
        yield store


def test_verify_full_trusts_a_known_authority_and_the_right_name(products_url: str, authority: Authority) -> None:
    options = f"sslmode=verify-full&sslrootcert={authority.file}"
    with behind(products_url, options, authority.server("localhost")) as store:
        store.create(TV)
        backend = backend_of(store)
        assert store.read(1) == TV
        assert backend_of(store) == backend, "an idle TLS connection is not taken for a dead one"


def test_verify_full_refuses_another_name(products_url: str, authority: Authority) -> None:
    options = f"sslmode=verify-full&sslrootcert={authority.file}"
    with (
        behind(products_url, options, authority.server("other.example")) as store,
        pytest.raises(DatabaseUnavailableError, match="localhost"),
    ):
        store.read(1)


def test_verify_full_refuses_an_unknown_authority(products_url: str, authority: Authority) -> None:
    with (
        behind(products_url, "sslmode=verify-full", authority.server("localhost")) as store,
        pytest.raises(DatabaseUnavailableError, match="certificate verify failed"),
    ):
        store.read(1)


def test_require_takes_any_certificate(products_url: str, authority: Authority) -> None:
    with behind(products_url, "sslmode=require", authority.server("other.example")) as store:
        assert store.read(1) is None


def test_verify_ca_takes_any_name_but_no_unknown_authority(products_url: str, authority: Authority) -> None:
    tls = authority.server("other.example")
    with behind(products_url, f"sslmode=verify-ca&sslrootcert={authority.file}", tls) as store:
        assert store.read(1) is None
    with behind(products_url, "sslmode=verify-ca", tls) as store, pytest.raises(DatabaseUnavailableError):
        store.read(1)


def test_a_client_shows_its_certificate(products_url: str, authority: Authority, tmp_path: Path) -> None:
    tls = authority.server("localhost")
    tls.verify_mode = ssl.CERT_REQUIRED
    tls.load_verify_locations(authority.file)
    trusted = f"sslmode=verify-full&sslrootcert={authority.file}"
    with behind(products_url, f"{trusted}&sslcert={authority.file.with_name('localhost.pem')}", tls) as store:
        assert store.read(1) is None
    with behind(products_url, trusted, tls) as store, pytest.raises(DatabaseUnavailableError):
        store.read(1)
    with pytest.raises(SettingsError, match=r"DATABASE_URL has sslcert=.*none\.pem"):
        store_at(f"{products_url}?{trusted}&sslcert={tmp_path / 'none.pem'}")


def test_a_certificate_that_newer_pythons_refuse_is_explained(products_url: str, tmp_path: Path) -> None:
    lax = Authority(tmp_path, is_strict=False)
    options = f"sslmode=verify-full&sslrootcert={lax.file}"
    with behind(products_url, options, lax.server("localhost")) as store:
        tls = store._sessions._tls
        assert tls is not None
        tls.verify_flags |= ssl.VERIFY_X509_STRICT
        with pytest.raises(DatabaseUnavailableError, match=r"3\.13 .* Authority Key Identifier"):
            store.read(1)


def test_channel_binding_is_required_where_the_url_asks_for_it(products_url: str, authority: Authority) -> None:
    """The proxy ends TLS, so PostgreSQL offers SCRAM without channel binding."""
    with (
        behind(products_url, "sslmode=require&channel_binding=require", authority.server("localhost")) as store,
        pytest.raises(DatabaseUnavailableError, match="no channel binding"),
    ):
        store.read(1)


def test_a_unix_socket_works_in_both_forms(products_url: str, postgres: OwnPostgres) -> None:
    login, _, place = products_url.rpartition("@")
    name = place.rpartition("/")[2]
    folder = str(postgres.folder)
    for url in (
        f"{login}@{folder.replace('/', '%2F')}:{postgres.port}/{name}",
        f"{login}@/{name}?host={folder}&port={postgres.port}",
    ):
        with closing(store_at(url)) as store:
            assert store.read(1) is None
    with (
        closing(store_at(f"{login}@/{name}?host={folder}&port=1")) as store,
        pytest.raises(DatabaseUnavailableError, match=r"no server at the socket .*/\.s\.PGSQL\.1"),
    ):
        store.read(1)


def test_the_name_and_the_options_in_the_url_reach_the_server(products_url: str) -> None:
    asked = "SELECT current_setting('application_name'), current_setting('work_mem'), current_setting('lock_timeout')"
    options = "options=-c%20work_mem%3D5MB%20-c%20lock_timeout%3D0"
    with closing(store_at(f"{products_url}?application_name=mine&{options}")) as store, lent(store) as connection:
        assert connection._driver.run(asked) == [["mine", "5MB", "400ms"]], "the limits stay ours"


@pytest.mark.parametrize("mode", ["require", "verify-full"])
def test_a_server_without_tls_is_refused(products_url: str, mode: str) -> None:
    with (
        behind(products_url, f"sslmode={mode}", None) as store,
        pytest.raises(DatabaseUnavailableError, match="no TLS"),
    ):
        store.read(1)


def test_a_connection_that_dies_while_idle_is_replaced_at_once(products_url: str, authority: Authority) -> None:
    with (
        proxied(products_url, authority.server("localhost")) as proxy,
        closing(store_at(f"{proxy.in_front_of(products_url)}?sslmode=require")) as store,
    ):
        store.read(1)
        proxy.cut()
        assert trips(proxy, lambda: store.read(1)) == 3 + 2


def test_a_missing_file_of_authorities_stops_the_start(products_url: str, tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="sslrootcert"):
        store_at(f"{products_url}?sslmode=verify-full&sslrootcert={tmp_path / 'none.pem'}")


def test_after_a_rotation_no_request_fails(products_url: str) -> None:
    sql(products_url, "CREATE ROLE rotating LOGIN PASSWORD 'old'")
    sql(products_url, "GRANT SELECT ON products TO rotating")
    secret = RotatingSecret("rotating", "old")
    try:
        with closing(store_at(products_url, credentials=secret)) as store:
            store.read(1)
            secret.rotate("new")
            sql(products_url, "ALTER ROLE rotating PASSWORD 'new'")
            fill_pool(store)
            assert secret.refreshed == 1, "one thread refreshed for all"
    finally:
        sql(products_url, "DROP OWNED BY rotating")
        sql(products_url, "DROP ROLE rotating")


def test_a_refusal_is_not_hidden_by_a_failed_terminate_message(products_url: str) -> None:
    """pg8000 sends a Terminate message to a server that has refused it and closed the connection."""
    refusal = native.DatabaseError({"C": "28P01", "M": "no"})

    def refused(*_: object, **__: object) -> None:
        try:
            raise refusal
        except native.DatabaseError:
            raise native.InterfaceError("network error")  # noqa: B904 - as pg8000 does

    address, credentials = database_at(products_url)
    with pytest.raises(LoginRefusedError) as raised:
        log_in(refused, address, None, credentials, 1, {})
    assert raised.value.args == refusal.args


def test_a_secret_that_is_refused_twice_makes_the_database_unavailable(products_url: str) -> None:
    secret = RotatingSecret("postgres", "wrong")
    secret.rotate("wrong too")
    with (
        closing(store_at(products_url, credentials=secret)) as store,
        pytest.raises(DatabaseUnavailableError, match="28P01"),
    ):
        store.read(1)
    assert secret.refreshed == 2, "once after each refusal"
