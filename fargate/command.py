"""Choose the command of `python -m fargate` and `chalice-fargate`: the first argument's, or else serve."""

import importlib
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from fargate.errors import ConfigurationError
from fargate.lifecycle import Lifecycle
from fargate.requirements import check_required

COMMANDS: Mapping[str, str] = {
    "check": "check",
    "dockerfile": "dockerfile",
    "invoke": "invoke",
    "poll": "poll",
    "schedule": "schedule",
}
"""Other commands than to serve: the first argument, and the module of `fargate.commands` that it calls."""


def main(arguments: Sequence[str], environ: Mapping[str, str], lifecycle: Lifecycle) -> int:
    """Run the command; return the process's exit code: 0 if all is well, 2 for a bad setting, 1 for anything else."""
    see_working_folder()
    try:
        check_required()  # before any of them is imported
    except ConfigurationError as error:
        print(f"Cannot start:\n{error}", file=sys.stderr)  # noqa: T201
        return 2
    module = COMMANDS.get(arguments[0]) if arguments else None
    command = importlib.import_module(f"fargate.commands.{module or 'serve'}")
    code: int = command.main(arguments[1:] if module else arguments, environ, lifecycle)
    return code


def see_working_folder() -> None:
    """Import from the working folder first, as `python -m` does; a console script starts with its own folder."""
    here = str(Path.cwd())
    if sys.path[0] not in ("", here):
        sys.path.insert(0, here)
