"""Real stores that tests may harm: killed, frozen, stopped and started again, always on the same port."""

import contextlib
import itertools
import shutil
import signal
import tempfile
from collections.abc import Iterator
from pathlib import Path

import psutil

from local.postgres_server import Durability, PostgresServer
from local.processes import Child
from local.redis_server import RedisServer
from local.waiting import wait_until


class Faults:
    """What may happen to a server; mixed into one. `stop` and `start` are the server's own."""

    child: Child | None

    def kill(self) -> None:
        """SIGKILL all of it at once, and wait until all of it is gone."""
        victims = _family(self.child)
        _signal(victims, signal.SIGKILL)
        if self.child is not None:
            self.child.kill()
        assert not survivors(victims), "not even SIGKILL ends it"

    def freeze(self) -> None:
        """SIGSTOP all of it: connections stay open, and nothing answers."""
        frozen: list[psutil.Process] = []
        while new := [
            process for process in _family(self.child) if process not in frozen
        ]:  # the parent first: it forks
            _signal(new, signal.SIGSTOP)
            frozen += new

    def thaw(self) -> None:
        """SIGCONT all of it; nothing where it is not frozen."""
        _signal(_family(self.child), signal.SIGCONT)


class OwnPostgres(Faults, PostgresServer):
    """A PostgreSQL of the test's own."""

    def stop(self) -> None:
        self.thaw()
        super().stop()


class OwnRedis(Faults, RedisServer):
    """A Redis of the test's own."""

    def stop(self) -> None:
        self.thaw()
        super().stop()


class Databases:
    """Fresh databases on one server: migrated ones are copies of one that was migrated."""

    def __init__(self, server: PostgresServer) -> None:
        self._server = server
        self._numbers = itertools.count(1)
        self._migrated: str | None = None

    @contextlib.contextmanager
    def fresh(self, *, migrated: bool = True) -> Iterator[str]:
        """Create a database, yield its URL, drop it."""
        name = f"test_{next(self._numbers)}"
        self._server.create_database(name, self._template() if migrated else "template1")
        try:
            yield self._server.address_of(name).url
        finally:
            self._server.drop_database(name)

    def _template(self) -> str:
        if self._migrated is None:
            from chalicelib.migrate import migrate

            self._server.create_database("migrated")
            migrate(self._server.address_of("migrated").url)
            self._migrated = "migrated"
        return self._migrated


@contextlib.contextmanager
def running_postgres() -> Iterator[OwnPostgres]:
    """Run a PostgreSQL over new data, and leave nothing behind."""
    with temporary_home() as home:
        server = OwnPostgres(home, durability=Durability.PROCESS)
        server.start()
        try:
            yield server
        finally:
            server.stop()


@contextlib.contextmanager
def running_redis(program: str | None = None) -> Iterator[OwnRedis]:
    """Run a Redis, and leave nothing behind."""
    with temporary_home() as home:
        server = OwnRedis(home, program=program)
        server.start()
        try:
            yield server
        finally:
            server.stop()


@contextlib.contextmanager
def temporary_home() -> Iterator[Path]:
    """Make a folder outside pytest's own, whose modes pytest resets while a server's other user is working in it."""
    home = Path(tempfile.mkdtemp(prefix="shop-"))
    try:
        yield home
    finally:
        shutil.rmtree(home)


def _family(child: Child | None) -> list[psutil.Process]:
    """Return a server's processes, the parent first; nothing where it is not running."""
    if child is None or not child.running:
        return []
    parent = psutil.Process(child.pid)
    return [parent, *parent.children(recursive=True)]


def _signal(processes: list[psutil.Process], number: signal.Signals) -> None:
    for process in processes:
        with contextlib.suppress(psutil.NoSuchProcess):
            process.send_signal(number)


def survivors(processes: list[psutil.Process], seconds: float = 10.0) -> list[psutil.Process]:
    """Wait for processes to end; return those that do not. A zombie has ended: its new parent has yet to notice."""

    def alive() -> list[psutil.Process]:
        return [process for process in processes if process.is_running() and not _ended(process)]

    wait_until(lambda: not alive(), seconds)
    return alive()


def _ended(process: psutil.Process) -> bool:
    try:
        return process.status() == psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return True
