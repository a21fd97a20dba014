"""`python -m local.observe`, which is `make observe`: the shop as `make run` starts it, watched by Prometheus.

`python -m local.observe FOLDER` keeps its data there instead of in `.data/`.
"""

import os
import sys
from collections.abc import Sequence
from pathlib import Path

from local.signals import StopRequested, StopSignals


def main(arguments: Sequence[str]) -> int:
    """Run both; return 0 when asked to end, 1 when one of them could not run or go on."""
    signals = StopSignals()
    # Only now, because these take a moment to import, in which Ctrl-C would show a traceback.
    from local.errors import LocalError, ProgramError
    from local.observed_shop import ObservedShop
    from local.settings import DATA, read_settings
    from local.terminal import Terminal

    terminal = Terminal()
    data = Path(arguments[0]) if arguments else DATA
    try:
        ObservedShop(read_settings(os.environ, data.resolve()), terminal, signals.pause).run()
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
