"""One run at a time over one data folder."""

import contextlib
import fcntl
import os
from collections.abc import Iterator
from pathlib import Path

from local.errors import AlreadyRunningError


@contextlib.contextmanager
def held(data: Path) -> Iterator[None]:
    """Hold the data folder, created if need be; the system lets go of it however we end.

    Raises:
        AlreadyRunningError: another process holds it.
    """
    data.mkdir(parents=True, exist_ok=True)
    with (data / "lock").open("a+") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            file.seek(0)
            holder = file.read().strip() or "just starting"
            raise AlreadyRunningError(f"Already running from this checkout (process {holder}).") from None
        file.truncate(0)
        file.write(str(os.getpid()))
        file.flush()
        yield
