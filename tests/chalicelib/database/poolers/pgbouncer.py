"""A real PgBouncer in front of a test's PostgreSQL: Debian's package, with its default settings."""

import contextlib
import shutil
import socket
import time
from collections.abc import Iterator
from pathlib import Path

from local.ports import LOOPBACK
from local.processes import Program
from local.servers.accounts import server_account
from local.servers.postgres import PostgresAddress
from local.servers.server import Server
from local.waiting import Pause
from tests.fixtures.stores import temporary_home
from tests.fixtures.tools import program

REMEDY = "make pooler-tools"


class PgBouncer(Server):
    """One PgBouncer; `settings` are lines of its pgbouncer.ini, such as `pool_mode = session`."""

    name = "PgBouncer"
    folder_name = "pgbouncer"
    start_seconds = 10.0
    end_seconds = 5.0

    def __init__(self, home: Path, server: PostgresAddress, *settings: str, pause: Pause = time.sleep) -> None:
        super().__init__(home, pause)
        self._server = server
        self._settings = settings
        self.users = {server.user: server.password}

    def in_front_of(self, database: str) -> str:
        """Return the URL of a database of that server, through this pooler."""
        user, password = self._server.user, self._server.password
        return f"postgresql://{user}:{password}@{LOOPBACK}:{self.port}/{database}"

    def answers(self) -> bool:
        with contextlib.suppress(OSError):
            socket.create_connection((LOOPBACK, self.port), timeout=1).close()
            return True
        return False

    def _program(self) -> Program:
        account = server_account(self.folder)
        self.home.chmod(0o755)
        self.folder.mkdir(exist_ok=True)
        self.folder.chmod(0o777)  # its socket
        users, settings = self.folder / "userlist.txt", self.folder / "pgbouncer.ini"
        users.write_text("".join(f'"{name}" "{password}"\n' for name, password in self.users.items()))
        settings.write_text("\n".join(self._lines(users)))
        return Program(
            self.name,
            [_path(), settings],
            log=self.log,
            folder=self.folder,
            account=account,
            end_seconds=self.end_seconds,
        )

    def _lines(self, users: Path) -> Iterator[str]:
        yield from ("[databases]", f"* = host={self._server.host} port={self._server.port}", "[pgbouncer]")
        yield from (f"listen_addr = {LOOPBACK}", f"listen_port = {self.port}", f"unix_socket_dir = {self.folder}")
        yield from ("auth_type = scram-sha-256", f"auth_file = {users}", *self._settings)


def _path() -> str:
    """Return the path of the program, which Debian puts where only root looks; skip the test if there is none."""
    return shutil.which("pgbouncer", path="/usr/sbin") or program("pgbouncer", REMEDY)


@contextlib.contextmanager
def running_pgbouncer(server: PostgresAddress, *settings: str) -> Iterator[PgBouncer]:
    """Run a PgBouncer; skip the test if it is not installed."""
    with temporary_home() as home:
        pooler = PgBouncer(home, server, *settings)
        pooler.start()
        try:
            yield pooler
        finally:
            pooler.stop()
