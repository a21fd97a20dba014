"""Child processes. Each runs in a session of its own, and none outlives this process.

A terminal's Ctrl-C reaches only this process, which then ends its children in order. If this process is killed, a
watchdog ends each child: a shell that waits until this process's end of a pipe closes. (Linux's PR_SET_PDEATHSIG needs
Python code between fork and exec, which is unsafe in a process with threads. macOS has no such signal.)
"""

import contextlib
import os
import signal
import subprocess
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NoReturn

from local.errors import ProgramError
from local.waiting import Pause, wait_until

LAST_LINES = 15
WATCH_SECONDS = 60.0  # the end of a child wakes `pause`; this bounds the delay if a wake-up is lost

# Reads the child's process id, then waits. A line says that the child has ended; an end of file, that its parent has.
_WATCHDOG = 'read -r child || exit 0; read -r ended && exit 0; kill -s "$0" "$child" 2>/dev/null'


@dataclass(frozen=True, slots=True)
class Account:
    """A user of this machine, and the groups that a process of this user is in."""

    name: str
    uid: int
    gid: int
    groups: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class Program:
    """What to start, and how to end it."""

    name: str
    command: Sequence[str | Path]
    log: Path | None = None  # None: it writes to our standard output
    environ: Mapping[str, str] | None = None  # None: ours
    folder: Path | None = None  # its working directory; None: ours
    account: Account | None = None  # None: ours
    end_signal: signal.Signals = signal.SIGTERM
    end_seconds: float = 10.0
    then: Sequence[tuple[signal.Signals, float]] = ()  # what else to try before SIGKILL


class Child:
    """A started program."""

    def __init__(self, program: Program) -> None:
        """Start it.

        Raises:
            ProgramError: it cannot be started at all.
        """
        self.program = program
        self._watchdog = _start_watchdog(program.end_signal)
        try:
            self._process = _start(program)
        except OSError as fault:
            self._end_watchdog()
            raise ProgramError(f"{program.name} cannot be started: {fault.strerror}: {fault.filename}") from None
        self._cleaned_up, self._cleaning_up = False, threading.RLock()
        _write_line(self._watchdog, str(self._process.pid))

    @property
    def process(self) -> subprocess.Popen[bytes]:
        """The process, to send it a signal or to wait for it."""
        return self._process

    @property
    def pid(self) -> int:
        """The process id."""
        return self._process.pid

    @property
    def status(self) -> int | None:
        """The exit status; negative: the signal that ended it; None: it is running."""
        status = self._process.poll()
        if status is not None:
            self._clean_up()
        return status

    @property
    def running(self) -> bool:
        """Whether it has not ended yet."""
        return self.status is None

    def signal(self, number: signal.Signals) -> None:
        """Send it a signal, if it is still running."""
        if self.running:
            self._process.send_signal(number)

    def wait(self, seconds: float, pause: Pause = time.sleep) -> bool:
        """Wait for its end; return whether it ended in time."""
        return wait_until(lambda: not self.running, seconds, pause)

    def end(self) -> int:
        """End it by its signals, each with its time limit, at last by SIGKILL. Returns its exit status."""
        for number, seconds in ((self.program.end_signal, self.program.end_seconds), *self.program.then):
            self.signal(number)
            if self.wait(seconds):
                break
        else:
            self.kill()
        return self._process.returncode

    def kill(self) -> None:
        """Kill it and its process group, and wait for its end."""
        if self.running:
            self._kill_group()
            self._process.wait()
            self._clean_up()

    def _clean_up(self) -> None:
        """Kill what the child has left running. At once, before the system gives its process id to another process."""
        with self._cleaning_up:
            if not self._cleaned_up:
                self._cleaned_up = True
                self._kill_group()
                self._end_watchdog()

    def _kill_group(self) -> None:
        with contextlib.suppress(ProcessLookupError, PermissionError):  # none left; macOS: only zombies left
            os.killpg(self._process.pid, signal.SIGKILL)

    def _end_watchdog(self) -> None:
        _write_line(self._watchdog, "ended")
        pipe = self._watchdog.stdin
        if pipe is not None:
            with contextlib.suppress(BrokenPipeError):
                pipe.close()
        self._watchdog.wait()


def run(program: Program, seconds: float, pause: Pause = time.sleep) -> None:
    """Run a program to its end.

    Raises:
        ProgramError: it cannot be started, fails, or takes longer than `seconds`.
    """
    child = Child(program)
    try:
        ended = child.wait(seconds, pause)
    finally:
        child.end()
    if not ended:
        raise ProgramError(f"{program.name} was not done after {seconds:.0f} s.", program.log)
    if child.status != 0:
        raise ProgramError(f"{program.name} failed ({describe(child.status)}).", program.log)


def require_ready(child: Child, ready: Callable[[], bool], seconds: float, pause: Pause = time.sleep) -> None:
    """Wait until a server answers.

    Raises:
        ProgramError: it ended, or did not answer within `seconds`.
    """
    name, log = child.program.name, child.program.log
    if not wait_until(lambda: not child.running or ready(), seconds, pause):
        raise ProgramError(f"{name} did not answer within {seconds:.0f} s.", log)
    if not child.running:
        raise ProgramError(f"{name} ended while it was starting ({describe(child.status)}).", log)


def watch(children: Sequence[Child], pause: Pause) -> NoReturn:
    """Wait until one of the children ends.

    Raises:
        ProgramError: it has ended.
    """
    while True:
        for child in children:
            if not child.running:
                where = "" if child.program.log else " Its log is above."
                how = describe(child.status)
                raise ProgramError(f"{child.program.name} ended by itself ({how}).{where}", child.program.log)
        pause(WATCH_SECONDS)


def describe(status: int | None) -> str:
    """Put an exit status into words."""
    if status is None:
        return "still running"
    if status < 0:
        return signal.Signals(-status).name
    return f"exit status {status}"


def last_lines(log: Path, count: int = LAST_LINES) -> list[str]:
    """Return the end of a log; nothing if there is no log."""
    try:
        return log.read_text(errors="replace").splitlines()[-count:]
    except FileNotFoundError:
        return []


def _start(program: Program) -> subprocess.Popen[bytes]:
    account = program.account
    with contextlib.ExitStack() as files:
        output = None if program.log is None else files.enter_context(program.log.open("wb"))
        return subprocess.Popen(
            program.command,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=None if output is None else subprocess.STDOUT,
            env=program.environ,
            cwd=program.folder,
            start_new_session=True,
            user=account.uid if account else None,
            group=account.gid if account else None,
            extra_groups=account.groups if account else None,
        )


def _start_watchdog(number: signal.Signals) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        ["/bin/sh", "-c", _WATCHDOG, str(int(number))],
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )


def _write_line(watchdog: subprocess.Popen[bytes], line: str) -> None:
    if watchdog.stdin is not None:
        with contextlib.suppress(BrokenPipeError):  # the watchdog was killed; the child runs on without one
            watchdog.stdin.write(line.encode() + b"\n")
            watchdog.stdin.flush()
