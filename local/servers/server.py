"""What the servers have in common: one child process over one folder."""

import contextlib
import signal
import time
from abc import ABC, abstractmethod
from pathlib import Path
from typing import ClassVar

from local.ports import free_port
from local.processes import Child, Program, require_ready
from local.servers.stale import end_stale
from local.waiting import Pause


class Server(ABC):
    """A server on this machine. Stopped and started again, it keeps its port."""

    name: ClassVar[str]
    folder_name: ClassVar[str]
    start_seconds: ClassVar[float]
    end_seconds: ClassVar[float]
    end_signal: ClassVar = signal.SIGTERM

    def __init__(self, home: Path, pause: Pause = time.sleep) -> None:
        """Choose a port, and where in `home` the data and the log are; nothing is started yet."""
        self.home = home.resolve()
        self.folder = self.home / self.folder_name
        self.log = self.home / f"{self.folder_name}.log"
        self.port = free_port()
        self.child: Child | None = None
        self._pid_file = self.home / f"{self.folder_name}.pid"
        self._pause = pause

    def end_stale(self) -> int | None:
        """End the server that a killed run has left; return its process id, None if there was none."""
        return end_stale(self._pid_file, self.folder, self.end_signal, self.end_seconds, self._pause)

    def start(self) -> Child:
        """Start it, and return its process when it is ready.

        Raises:
            LocalError: it cannot be started here; the message says why.
        """
        self.home.mkdir(parents=True, exist_ok=True)
        self.end_stale()
        self.child = child = Child(self._program())
        self._pid_file.write_text(str(child.pid))
        with contextlib.ExitStack() as undo:
            undo.callback(self.stop)
            require_ready(child, self.answers, self.start_seconds, self._pause)
            undo.pop_all()
        return child

    def stop(self) -> None:
        """End it, if it runs."""
        if self.child is not None:
            self.child.end()

    @abstractmethod
    def answers(self) -> bool:
        """Return whether it answers now."""

    @abstractmethod
    def _program(self) -> Program:
        """Prepare the folder, and return what to start."""
