"""What the parsers of all commands share: the program's name, the app and its stage."""

import argparse
import sys
from pathlib import Path

from fargate.start.project import CONFIGURATION, DEFAULT_STAGE, STAGE_VARIABLE

SCRIPT = "chalice-fargate"


def program() -> str:
    """Return how the command was called: by the console script, or by Python."""
    return SCRIPT if Path(sys.argv[0]).stem == SCRIPT else "python -m fargate"


def add_app(parser: argparse.ArgumentParser) -> None:
    """Add the positional argument MODULE:ATTRIBUTE."""
    parser.add_argument("app", nargs="?", default="app:app", metavar="MODULE:ATTRIBUTE", help="default: app:app")


def add_stage(parser: argparse.ArgumentParser) -> None:
    """Add `--stage`."""
    parser.add_argument(
        "--stage", help=f"a stage of {CONFIGURATION}; default: {DEFAULT_STAGE}; variable: {STAGE_VARIABLE}"
    )
