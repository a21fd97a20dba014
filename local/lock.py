"""One run at a time over one data folder."""

import contextlib
import fcntl
import os
from collections.abc import Iterator
from pathlib import Path

from local.errors import AlreadyRunningError


@contextlib.contextmanager
def locked(data: Path) -> Iterator[None]:
    """Create the data folder if needed, and lock it. The system releases the lock however this process ends.

    Raises:
        AlreadyRunningError: another process holds the lock.
    """
    data.mkdir(parents=True, exist_ok=True)
    with (data / "lock").open("a+") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise AlreadyRunningError(
                f"Already running from this checkout (process {holder(data) or 'just starting'})."
            ) from None
        file.truncate(0)
        file.write(str(os.getpid()))
        file.flush()
        yield


def holder(data: Path) -> str | None:
    """Return the id of the process that locked the folder last."""
    try:
        return (data / "lock").read_text().strip() or None
    except FileNotFoundError:
        return None
