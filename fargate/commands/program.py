"""What commands share: their name, the arguments for the app and its stage, the report of an app that fails, an end."""

import argparse
import contextlib
import logging
import os
import sys
import traceback
from collections.abc import Iterator
from pathlib import Path
from typing import NoReturn

from fargate.errors import ConfigurationError
from fargate.start.project import CONFIGURATION, DEFAULT_STAGE, STAGE_VARIABLE
from fargate.telemetry.stdout import BoundedStdout

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


@contextlib.contextmanager
def starting(target: str) -> Iterator[None]:
    """Print the traceback of whatever the app raises while it starts.

    Raises:
        ConfigurationError: instead of it.
    """
    try:
        yield
    except ConfigurationError:
        raise
    except (Exception, SystemExit) as error:  # noqa: BLE001  of the app, whatever it is
        traceback.print_exc()
        raise ConfigurationError(f"{target} fails at its start: {type(error).__name__}: {error}") from None


def exit_at_once(stdout: BoundedStdout, status: int) -> NoReturn:
    """End the process without shutting the interpreter down, and write all lines before."""
    logging.shutdown()
    stdout.finish()
    sys.stderr.flush()
    os._exit(status)
