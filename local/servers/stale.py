"""Stale processes: servers that a killed run has left. Their process id files identify them; the next run ends them."""

import signal
import time
from pathlib import Path

import psutil

from local.errors import LocalError
from local.waiting import Pause, wait_until

_CLOCK_SLACK_SECONDS = 2.0


def running_from(pid_file: Path, folder: Path) -> int | None:
    """Return the id in `pid_file` if that process runs in `folder`; None for a later process with the same id."""
    try:
        written = pid_file.stat().st_mtime
        process = psutil.Process(int(pid_file.read_text().split(maxsplit=1)[0]))
        ours = (
            process.status() != psutil.STATUS_ZOMBIE
            and process.create_time() <= written + _CLOCK_SLACK_SECONDS
            and Path(process.cwd()).resolve() == folder.resolve()
        )
    except (FileNotFoundError, IndexError, ValueError, psutil.NoSuchProcess, psutil.AccessDenied):
        return None
    return process.pid if ours else None


def end_stale(
    pid_file: Path, folder: Path, end_signal: signal.Signals, seconds: float, pause: Pause = time.sleep
) -> int | None:
    """End a stale process by `end_signal`, after `seconds` by SIGKILL; return its id, None if there was none.

    Raises:
        LocalError: it does not end.
    """
    pid = running_from(pid_file, folder)
    if pid is None:
        return None

    def ended() -> bool:
        return running_from(pid_file, folder) != pid

    for number, patience in ((end_signal, seconds), (signal.SIGKILL, 5.0)):
        _signal(pid, number)
        if wait_until(ended, patience, pause):
            return pid
    raise LocalError(f"A process left over from an earlier run does not end: {pid}.")


def _signal(pid: int, number: signal.Signals) -> None:
    try:
        psutil.Process(pid).send_signal(number)
    except psutil.NoSuchProcess:
        return
    except psutil.AccessDenied:
        raise LocalError(f"A process left over from an earlier run belongs to another user: {pid}.") from None
