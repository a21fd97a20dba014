"""Migrate the database's schema: `python -m chalicelib.migrate`, `make run` and the deployment.

One migration runs at a time: it holds a PostgreSQL advisory lock until its connection closes. A step whose table is
locked gives up at once and is tried again later, because reads of the service queue behind it. Every error becomes one
sentence.

If DATABASE_OWNER_URL is set, that user migrates, and the migration also makes the role that the service logs in as
(`service_role`). It then logs in as that role, so that a deployment stops before it starts a service that cannot.
"""

import logging
import os
import socket
import sys
import time
from collections.abc import Callable, Mapping
from contextlib import closing, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

from alembic import command
from alembic.config import Config
from alembic.util import CommandError
from pg8000 import dbapi, native
from sqlalchemy import Connection, create_engine, exc, text
from sqlalchemy.pool import NullPool

from chalicelib.database.login import LoginRefusedError, database_source, log_in, tls_context
from chalicelib.database.migrations import RefusedError
from chalicelib.database.pooler import is_behind_pooler, shares_sessions
from chalicelib.database.postgres_errors import AWAY, LOCK_NOT_AVAILABLE, reason_of, sqlstate_of
from chalicelib.database.service_role import ServiceRole, establish
from chalicelib.database.store import PostgresStore
from chalicelib.database_url import DatabaseAddress
from chalicelib.errors import ShopError
from chalicelib.settings import Settings, SettingsError, read_settings
from chalicelib.stores.credentials import (
    PATIENT_SECONDS,
    Credentials,
    CredentialSource,
    CredentialsUnavailableError,
    FixedCredentials,
    SecretCredentials,
)
from chalicelib.stores.logins import Logins

TRANSACTION_MODE = (
    "DATABASE_URL names a pooler in transaction mode, where the lock that keeps two migrations apart does not hold:"
    " migrate with the database's own address, or through a pooler in session mode"
)
ADVISORY_LOCK = 0x70726F64  # "prod" in ASCII; any number that other programs do not use

Applied = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class MigrationTimeouts:
    """How long a migration waits, in seconds."""

    connect: float = 3.0  # each of TCP, TLS and login
    turn: float = 300.0  # until another migration ends
    ask: float = 0.2  # between two tries for the advisory lock
    lock: float = 0.25  # for a table. Reads wait meanwhile, so it is less than the service's timeouts
    tries: int = 20  # tries for a table
    pause: float = 1.0  # between two tries for a table, or for the service's login
    service: float = 60.0  # until the service's login works: IAM and RDS Proxy apply changes late


class MigrationError(Exception):
    """The database was not migrated, or not completely. The message is one sentence."""


def migrate(database_url: str) -> None:
    """Migrate the database at the URL; does nothing if it is up to date.

    Raises:
        MigrationError: the database cannot be reached, or refuses.
        SettingsError: the URL is not a database's.
    """
    settings = _settings_in({"DATABASE_URL": database_url})
    upgrade(settings.database, FixedCredentials(settings.database_credentials), lambda step: None)


def upgrade(
    address: DatabaseAddress,
    credentials: CredentialSource,
    applied: Applied,
    timeouts: MigrationTimeouts = MigrationTimeouts(),
    role: ServiceRole | None = None,
) -> None:
    """Run each missing step and call `applied` with its number and title; then set up the role.

    Raises:
        MigrationError: the database cannot be reached, or refuses.
    """
    place = _place(address)
    try:
        with connected(address, credentials, timeouts) as connection:
            _wait_for_lock(connection, timeouts)
            _refuse_other_encodings(connection)
            _run_steps(alembic_config(connection, applied), timeouts)
            if role is not None:
                connection.rollback()  # ends the transaction in which Alembic looked for steps
                establish(connection, role)
    except RefusedError as refusal:
        raise MigrationError(f"{place} was not migrated: {refusal}") from None
    except CommandError as error:
        raise MigrationError(f"{place} was migrated by another version of this shop: {error}") from error
    except exc.DBAPIError as error:
        reason = reason_of(error.orig) if error.orig else str(error)
        raise MigrationError(f"{place} was not migrated: {reason}") from error
    except (native.Error, OSError, CredentialsUnavailableError) as error:
        raise MigrationError(f"{place} cannot be reached: {reason_of(error)}") from error


def try_service(settings: Settings, timeouts: MigrationTimeouts = MigrationTimeouts()) -> str:
    """Log in and read as the service does; return the user's name.

    Raises:
        MigrationError: the service cannot read products.
    """
    until = time.monotonic() + timeouts.service
    credentials = database_source(settings)
    while True:
        store = PostgresStore(settings.database, credentials, 1)
        try:
            store.page(0, 1)
            return credentials.current().username
        except (ShopError, native.Error) as error:
            if time.monotonic() > until:
                where = _place(settings.database)
                raise MigrationError(
                    f"{where} was migrated, but the service cannot read it: {reason_of(error)}"
                ) from error
        finally:
            store.close()
        time.sleep(timeouts.pause)


def _place(address: DatabaseAddress) -> str:
    return f"the database {address.database} on {address}"


def connected(
    address: DatabaseAddress, credentials: CredentialSource, timeouts: MigrationTimeouts = MigrationTimeouts()
) -> Connection:
    """Return a connection that is closed when its block ends.

    Raises:
        SettingsError: the address is a pooler's, in transaction mode.
        native.Error, OSError: the database cannot be reached, or refuses.
    """
    tls = tls_context(address)
    logins = Logins("PostgreSQL", credentials, LoginRefusedError)

    def login(known: Credentials) -> "_Connection":
        def open_() -> tuple[_Connection, socket.socket]:
            return log_in(_Connection, address, tls, known, timeouts.connect, {})

        connection, sock = open_()
        if is_behind_pooler(connection) and _shares_sessions(connection, open_):
            connection.close()
            raise SettingsError(TRANSACTION_MODE)
        connection.execute_simple(f"SET lock_timeout = {timeouts.lock * 1000:.0f}; SET statement_timeout = 0")
        sock.settimeout(None)  # a step may take long
        return connection

    engine = create_engine(
        "postgresql+pg8000://",
        creator=lambda: cast("Any", logins.connect(login, PATIENT_SECONDS)),
        poolclass=NullPool,
        pool_reset_on_return=None,  # the connection is closed instead
    )
    return engine.connect()


def _shares_sessions(connection: "_Connection", open_: Callable[[], tuple["_Connection", socket.socket]]) -> bool:
    """Whether a pooler lends a server's connection for a transaction only, so that no lock of a session holds."""
    try:
        with closing(open_()[0]) as second:
            return shares_sessions(connection, second)
    except AWAY:  # a pooler in session mode that has one connection, and has lent it to us
        return False


class _Connection(dbapi.Connection):  # type: ignore[misc]
    """A connection whose `close` never raises. SQLAlchemy would log a traceback if the server is gone."""

    def close(self) -> None:
        with suppress(native.InterfaceError, OSError):
            super().close()


def _wait_for_lock(connection: Connection, timeouts: MigrationTimeouts) -> None:
    """Take the advisory lock. Polls for it, as a waiting statement could block another migration's steps."""
    until = time.monotonic() + timeouts.turn
    while not _value(connection, f"SELECT pg_try_advisory_lock({ADVISORY_LOCK})"):
        if time.monotonic() > until:
            raise RefusedError(f"another migration has been running for {timeouts.turn:.0f} s; see what it waits for")
        time.sleep(timeouts.ask)


def _run_steps(config: Config, timeouts: MigrationTimeouts) -> None:
    """Run every missing step; try again later if a table is locked. Steps that were committed stay."""
    for _ in range(timeouts.tries):
        try:
            return command.upgrade(config, "head")
        except exc.DBAPIError as error:
            if sqlstate_of(error.orig) != LOCK_NOT_AVAILABLE:
                raise
        time.sleep(timeouts.pause)
    raise RefusedError("products was in use all the time; see which transaction holds it, and migrate again")


def _value(connection: Connection, sql: str) -> object:
    """Return the result of a query in its own transaction. An advisory lock taken in it stays held."""
    with connection.begin():
        return connection.scalar(text(sql))


def _refuse_other_encodings(connection: Connection) -> None:
    encoding = _value(connection, "SHOW server_encoding")
    if encoding != "UTF8":
        raise RefusedError(f"its encoding is {encoding}, which cannot hold every name; create it with ENCODING 'UTF8'")


def alembic_config(connection: Connection, applied: Applied) -> Config:
    """Return Alembic's configuration. The steps are in the folder `migrations` beside this module."""
    config = Config()
    folder = Path(__file__).with_name("migrations")
    config.set_main_option("script_location", str(folder).replace("%", "%%"))
    config.attributes["connection"] = connection
    config.attributes["on_version_apply"] = lambda step, **_: applied(_title_of(step))
    return config


def _title_of(step: Any) -> str:
    return f"{step.up_revision_id} {step.up_revision.doc}"


def _settings_in(environ: Mapping[str, str]) -> Settings:
    """Read the shop's settings; a migration needs no REDIS_URL."""
    return read_settings({**environ, "REDIS_URL": "redis://unused"})


def _owner_in(environ: Mapping[str, str]) -> Settings | None:
    """Return the settings with the owner's login; None if the service's own login migrates."""
    names = ("DATABASE_URL", "DATABASE_SECRET_ARN")
    own = {name: environ.get(name.replace("DATABASE", "DATABASE_OWNER"), "") for name in names}
    if not any(own.values()):
        return None
    try:
        return _settings_in(own)
    except SettingsError as error:
        raise SettingsError(str(error).replace("DATABASE_", "DATABASE_OWNER_")) from None


def _role_in(settings: Settings, environ: Mapping[str, str]) -> ServiceRole:
    """Return the role that the service logs in as.

    RDS Proxy logs in to the database with the password in a secret, even for a client that sends a token. On RDS, a
    role that logs in with a token has no password.

    Raises:
        CredentialsUnavailableError: a secret cannot be read.
        SettingsError: the proxy's secret is another user's.
    """
    proxy_secret = environ.get("DATABASE_PROXY_SECRET_ARN")
    if settings.database_iam_region is None or proxy_secret:
        known = SecretCredentials(proxy_secret).current() if proxy_secret else database_source(settings).current()
        if settings.database_iam_region and known.username != settings.database_credentials.username:
            raise SettingsError("DATABASE_PROXY_SECRET_ARN is the secret of another user than the one in DATABASE_URL")
        return ServiceRole(known.username, known.password)
    return ServiceRole(settings.database_credentials.username, by_token=True)


def main() -> None:
    """Migrate the database that the environment names; print each step, or that there was none."""
    steps: list[str] = []

    def applied(step: str) -> None:
        steps.append(step)
        sys.stdout.write(f"Migrated: {step}\n")

    logging.disable(logging.WARNING)  # the error message already says what the store would log
    try:
        settings, owner = _settings_in(os.environ), _owner_in(os.environ)
        role = _role_in(settings, os.environ) if owner else None
        login = owner or settings
        upgrade(login.database, database_source(login), applied, role=role)
        if not steps:
            sys.stdout.write("The database is up to date.\n")
        if role:
            sys.stdout.write(f"The service logs in as {try_service(settings)}, and may read and write products.\n")
    except SettingsError as error:
        sys.stderr.write(f"{error}\n")
        sys.exit(2)
    except (MigrationError, CredentialsUnavailableError) as error:
        sys.exit(str(error))


if __name__ == "__main__":
    main()
