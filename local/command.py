"""What `python -m local` and `python -m local.observe` have in common: settings, and each error as one sentence."""

import os
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Protocol

from local.errors import LocalError, ProgramError
from local.settings import DATA, Settings, read_settings
from local.terminal import Terminal
from local.waiting import Pause, StopRequested


class Runnable(Protocol):
    """A set of programs that `run` starts and ends."""

    def run(self) -> None: ...


def run(create: Callable[[Settings, Terminal, Pause], Runnable], arguments: Sequence[str], pause: Pause) -> int:
    """Run the programs; return 0 if a signal has ended them, 1 if they could not start or one of them failed.

    The first argument is the data folder.
    """
    terminal = Terminal()
    data = Path(arguments[0]) if arguments else DATA
    try:
        create(read_settings(os.environ, data.resolve()), terminal, pause).run()
    except StopRequested:
        return 0
    except LocalError as error:
        terminal.complain(str(error), error.log if isinstance(error, ProgramError) else None)
    except OSError as error:
        terminal.complain(f"{error.strerror}: {error.filename}")
    return 1
