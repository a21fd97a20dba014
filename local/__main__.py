"""`python -m local`, which is `make run`: the shop with embedded stores, until Ctrl-C.

`python -m local FOLDER` keeps its data there instead of in `.data/`.
"""

import os
import sys
from collections.abc import Sequence
from pathlib import Path

from local.signals import StopRequested, StopSignals


def main(arguments: Sequence[str]) -> int:
    """Run the shop; return 0 when asked to end, 1 when it could not run or go on."""
    signals = StopSignals()
    # Only now, because these take a moment to import, in which Ctrl-C would show a traceback.
    from local.errors import LocalError, ProgramError
    from local.settings import DATA, read_settings
    from local.shop import Shop
    from local.terminal import Terminal

    terminal = Terminal()
    try:
        data = Path(arguments[0]) if arguments else DATA
        Shop(read_settings(os.environ, data.resolve()), terminal, signals.pause).run()
    except StopRequested:
        return 0
    except ProgramError as error:
        terminal.complain(str(error), error.log)
    except LocalError as error:
        terminal.complain(str(error))
    except OSError as error:
        terminal.complain(f"{error.strerror}: {error.filename}")
    return 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
