"""`python -m local.observe`, which is `make observe`: the shop of `make run`, and a Prometheus that scrapes it.

`python -m local.observe FOLDER` keeps its data there instead of in `.data/`.
"""

import sys

from local.waiting import StopSignals


def main() -> int:
    """Run both; see `local.command.run`."""
    signals = StopSignals()
    # Imported late: the import takes a moment, in which Ctrl-C would show a traceback.
    from local.command import run
    from local.observed_shop import ObservedShop

    return run(ObservedShop, sys.argv[1:], signals.pause)


if __name__ == "__main__":
    sys.exit(main())
