"""Programs that this one starts: each in a session of its own, and none survives us.

A terminal's Ctrl-C reaches only us, so that we can end our children in order. Should we be killed outright, a
lifeline - a shell that waits for our end of a pipe to close - ends each child in our stead. (Linux's own way,
PR_SET_PDEATHSIG, needs Python code between fork and exec, which is not safe in a process with threads, and macOS has
none.)
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

from local.errors import ProgramError
from local.servers.accounts import Account
from local.waiting import Pause, wait_until

LAST_LINES = 15

# Reads the child's process id, then waits: a line means that the child has ended, an end of file that its parent has.
_LIFELINE = 'read -r child || exit 0; read -r ended && exit 0; kill -s "$0" "$child" 2>/dev/null'


@dataclass(frozen=True, slots=True)
class Program:
    """What to start, and how it wants to be ended."""

    name: str
    command: Sequence[str | Path]
    log: Path | None = None  # None: it speaks to our own standard output
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
        self._lifeline = _start_lifeline(program.end_signal)
        try:
            self._process = _start(program)
        except OSError as fault:
            self._cut_lifeline()
            raise ProgramError(f"{program.name} cannot be started: {fault.strerror}: {fault.filename}") from None
        self._buried, self._burying = False, threading.RLock()
        _tell(self._lifeline, str(self._process.pid))

    @property
    def process(self) -> subprocess.Popen[bytes]:
        """The process itself, to signal it or to wait for it."""
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
            self._bury()
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
        """Wait for it to end by itself; return whether it did."""
        return wait_until(lambda: not self.running, seconds, pause)

    def end(self) -> int:
        """End it: ask, wait as long as it may take, ask harder, kill. Returns its exit status."""
        asking = ((self.program.end_signal, self.program.end_seconds), *self.program.then)
        for number, seconds in asking:
            self.signal(number)
            if self.wait(seconds):
                break
        else:
            self.kill()
        return self._process.returncode

    def kill(self) -> None:
        """Kill it and what it started in its group, and wait for its end."""
        if self.running:
            self._signal_group()
            self._process.wait()
            self._bury()

    def _bury(self) -> None:
        """See to what the child left behind, at once, while no other process can have been given its number; once."""
        with self._burying:
            if not self._buried:
                self._buried = True
                self._signal_group()
                self._cut_lifeline()

    def _signal_group(self) -> None:
        with contextlib.suppress(ProcessLookupError, PermissionError):  # none left; macOS: only zombies left
            os.killpg(self._process.pid, signal.SIGKILL)

    def _cut_lifeline(self) -> None:
        _tell(self._lifeline, "ended")
        pipe = self._lifeline.stdin
        if pipe is not None:
            with contextlib.suppress(BrokenPipeError):
                pipe.close()
        self._lifeline.wait()


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


def describe(status: int | None) -> str:
    """Put an exit status into words."""
    if status is None:
        return "still running"
    if status < 0:
        return signal.Signals(-status).name
    return f"exit status {status}"


def last_lines(log: Path, count: int = LAST_LINES) -> list[str]:
    """Return the end of a log; nothing where there is none."""
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


def _start_lifeline(number: signal.Signals) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        ["/bin/sh", "-c", _LIFELINE, str(int(number))],
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )


def _tell(lifeline: subprocess.Popen[bytes], line: str) -> None:
    if lifeline.stdin is not None:
        with contextlib.suppress(BrokenPipeError):  # somebody ended it: then nobody watches over the child but us
            lifeline.stdin.write(line.encode() + b"\n")
            lifeline.stdin.flush()
