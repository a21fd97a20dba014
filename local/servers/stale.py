"""Servers that outlived a run that was killed: recognised by their process id file, and ended before the next run."""

import signal
import time
from pathlib import Path

import psutil

from local.errors import LocalError
from local.waiting import Pause, wait_until

_CLOCK_SLACK_SECONDS = 2.0


def running_from(pid_file: Path, folder: Path) -> int | None:
    """Return the process that wrote `pid_file` and works in `folder`, if it runs; never its number's next owner."""
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


def end_leftover(
    pid_file: Path, folder: Path, asking: signal.Signals, seconds: float, pause: Pause = time.sleep
) -> int | None:
    """End what an earlier run left there; return its process id, None: there was nothing.

    Raises:
        LocalError: it does not end, even when killed.
    """
    pid = running_from(pid_file, folder)
    if pid is None:
        return None

    def gone() -> bool:
        return running_from(pid_file, folder) != pid

    for number, patience in ((asking, seconds), (signal.SIGKILL, 5.0)):
        _signal(pid, number)
        if wait_until(gone, patience, pause):
            return pid
    raise LocalError(f"A process left over from an earlier run does not end: {pid}.")


def _signal(pid: int, number: signal.Signals) -> None:
    try:
        psutil.Process(pid).send_signal(number)
    except psutil.NoSuchProcess:
        return
    except psutil.AccessDenied:
        raise LocalError(f"A process left over from an earlier run belongs to another user: {pid}.") from None
