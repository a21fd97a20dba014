"""`python -m local`, which is `make run`: the shop with embedded stores, until Ctrl-C.

`python -m local FOLDER` keeps its data there instead of in `.data/`.
"""

import sys

from local.waiting import StopSignals


def main() -> int:
    """Run the shop; see `local.command.run`."""
    signals = StopSignals()
    # Imported late: the import takes a moment, in which Ctrl-C would show a traceback.
    from local.command import run
    from local.shop import Shop

    return run(Shop, sys.argv[1:], signals.pause)


if __name__ == "__main__":
    sys.exit(main())
