"""Bring the database's schema up to date: `python -m chalicelib.migrate`, `make run` and the deployment.

What must hold: two that start at once take turns (a PostgreSQL advisory lock, held by the migrating connection until
it is closed); a step that cannot have its table at once lets go and tries again later, because every read of the
service waits in line behind it; whatever goes wrong becomes one sentence.

Where DATABASE_OWNER_URL is set, that is who migrates, and the migration makes the role that the service logs in as
(`service_role`). It ends with that login, so that a deployment stops before anything serves with one that is refused.
"""

import logging
import os
import sys
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
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
from chalicelib.database.postgres_errors import LOCK_NOT_AVAILABLE, reason_of, sqlstate_of
from chalicelib.database.service_role import ServiceRole, establish
from chalicelib.database.store import PostgresStore
from chalicelib.errors import ShopError
from chalicelib.settings import DatabaseAddress, Settings, SettingsError, read_settings
from chalicelib.stores.credentials import (
    Credentials,
    CredentialSource,
    CredentialsUnavailableError,
    FixedCredentials,
    SecretCredentials,
    with_renewal,
)

ADVISORY_LOCK = 0x70726F64  # "prod": every migration of this shop asks for this number

Applied = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class MigrationTimeouts:
    """How long a migration waits for what; times in seconds."""

    connect: float = 3.0  # TCP, then TLS, then login
    turn: float = 300.0  # for another migration to end, asking each `ask`
    ask: float = 0.2
    lock: float = 0.25  # for a table, holding up the service: less than the service's own timeouts
    tries: int = 20  # for a table, one each `pause`
    pause: float = 1.0
    service: float = 60.0  # for the service's login, one try each `pause`: IAM and RDS Proxy hear of changes late


class MigrationError(Exception):
    """The database was not migrated, or not all the way; says in one sentence why."""


def migrate(database_url: str) -> None:
    """Bring the database behind the URL up to date; changes nothing where it is.

    Raises:
        MigrationError: it cannot be reached, or refuses.
        SettingsError: the URL is no database's.
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
    """Take every step that the database lacks, calling `applied` with each one's number and title; then set the role.

    Raises:
        MigrationError: the database cannot be reached, or refuses.
    """
    place = _place(address)
    try:
        with connected(address, credentials, timeouts) as connection:
            _wait_for_turn(connection, timeouts)
            _refuse_other_encodings(connection)
            _take_steps(alembic_config(connection, applied), timeouts)
            if role is not None:
                connection.rollback()  # Alembic is still in the transaction in which it looked for steps
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
    """Log in and read as the service does; return as whom.

    Raises:
        MigrationError: it cannot.
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
    return f"the database {address.database} on {address.host}:{address.port}"


def connected(
    address: DatabaseAddress, credentials: CredentialSource, timeouts: MigrationTimeouts = MigrationTimeouts()
) -> Connection:
    """Return a connection of its own, closed for good when its block ends; raises as pg8000 does."""
    tls = tls_context(address)
    limits = {"lock_timeout": f"{timeouts.lock * 1000:.0f}", "statement_timeout": "0"}

    def login(known: Credentials) -> "_Connection":
        connection, sock = log_in(_Connection, address, tls, known, timeouts.connect, limits)
        sock.settimeout(None)  # a step may take its time
        return connection

    engine = create_engine(
        "postgresql+pg8000://",
        creator=lambda: cast("Any", with_renewal(credentials, login, LoginRefusedError)),
        poolclass=NullPool,
        pool_reset_on_return=None,  # it is closed instead
    )
    return engine.connect()


class _Connection(dbapi.Connection):  # type: ignore[misc]
    """A connection that also closes when the server is gone: SQLAlchemy would print a traceback otherwise."""

    def close(self) -> None:
        with suppress(native.InterfaceError, OSError):
            super().close()


def _wait_for_turn(connection: Connection, timeouts: MigrationTimeouts) -> None:
    """Hold the advisory lock from here on. Asks again and again: a statement that waited could stall others' steps."""
    until = time.monotonic() + timeouts.turn
    while not _value(connection, f"SELECT pg_try_advisory_lock({ADVISORY_LOCK})"):
        if time.monotonic() > until:
            raise RefusedError(f"another migration has been running for {timeouts.turn:.0f} s; see what it waits for")
        time.sleep(timeouts.ask)


def _take_steps(config: Config, timeouts: MigrationTimeouts) -> None:
    """Take every step; one whose table is in use, again later. Steps that were taken stay taken."""
    for _ in range(timeouts.tries):
        try:
            return command.upgrade(config, "head")
        except exc.DBAPIError as error:
            if sqlstate_of(error.orig) != LOCK_NOT_AVAILABLE:
                raise
        time.sleep(timeouts.pause)
    raise RefusedError("products was in use all the time; see which transaction holds it, and migrate again")


def _value(connection: Connection, sql: str) -> object:
    """Ask one question in a transaction of its own; the advisory lock outlives it."""
    with connection.begin():
        return connection.scalar(text(sql))


def _refuse_other_encodings(connection: Connection) -> None:
    encoding = _value(connection, "SHOW server_encoding")
    if encoding != "UTF8":
        raise RefusedError(f"its encoding is {encoding}, which cannot hold every name; create it with ENCODING 'UTF8'")


def alembic_config(connection: Connection, applied: Applied) -> Config:
    """Return what Alembic wants to know; the steps lie beside this module, wherever that was installed."""
    config = Config()
    folder = Path(__file__).with_name("migrations")
    config.set_main_option("script_location", str(folder).replace("%", "%%"))
    config.attributes["connection"] = connection
    config.attributes["on_version_apply"] = lambda step, **_: applied(_title(step))
    return config


def _title(step: Any) -> str:
    return f"{step.up_revision_id} {step.up_revision.doc}"


def _settings_in(environ: Mapping[str, str]) -> Settings:
    """Read the shop's settings without asking for a Redis: a migration has no use for one."""
    return read_settings({**environ, "REDIS_URL": "redis://unused"})


def _owner_in(environ: Mapping[str, str]) -> Settings | None:
    """Return how the owner logs in, who may be another than the service; None: the service's login migrates."""
    names = ("DATABASE_URL", "DATABASE_SECRET_ARN")
    own = {name: environ.get(name.replace("DATABASE", "DATABASE_OWNER"), "") for name in names}
    if not any(own.values()):
        return None
    try:
        return _settings_in(own)
    except SettingsError as error:
        raise SettingsError(str(error).replace("DATABASE_", "DATABASE_OWNER_")) from None


def _role_in(settings: Settings, environ: Mapping[str, str]) -> ServiceRole:
    """Return the role of the service's login.

    RDS Proxy logs in with the password of a secret even for clients that come with a token, and a role that RDS lets in
    by token has no password.

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
    """Migrate the database that the environment names; print each step, or that there was none to take."""
    steps: list[str] = []

    def applied(step: str) -> None:
        steps.append(step)
        sys.stdout.write(f"Migrated: {step}\n")

    logging.disable(logging.WARNING)  # what the store would say of a login that fails is in our own sentence
    try:
        settings, owner = _settings_in(os.environ), _owner_in(os.environ)
        role = _role_in(settings, os.environ) if owner else None
        by = owner or settings
        upgrade(by.database, database_source(by), applied, role=role)
        if not steps:
            sys.stdout.write("The database is up to date.\n")
        if role:
            sys.stdout.write(f"The service logs in as {try_service(settings)}, and may read and write products.\n")
    except (MigrationError, SettingsError, CredentialsUnavailableError) as error:
        sys.exit(str(error))


if __name__ == "__main__":
    main()
