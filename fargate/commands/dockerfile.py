"""Write a Dockerfile, a .dockerignore and a compose file for the Chalice project in the working folder.

Files that are there are overwritten only by `--force`; without it, nothing is written at all. The app is not imported.
"""

import argparse
import re
import shutil
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

import fargate
from fargate.commands.container_files import Container, compose, dockerfile, dockerignore
from fargate.commands.program import SCRIPT, add_stage, program
from fargate.commands.requirement_files import are_hashed, requirement_files
from fargate.errors import ConfigurationError
from fargate.lifecycle import Lifecycle
from fargate.requirements import EXTRAS
from fargate.settings import EXTRA_OF, Server, Settings, read_settings
from fargate.start.project import CONFIGURATION, LISTENING, Project, project_here

WRITTEN, KEPT, CANNOT_WRITE = 0, 1, 2

COMPOSE = "compose.yaml"
OTHER_COMPOSE_FILES = ("compose.yml", "docker-compose.yaml", "docker-compose.yml")
"""Files that Docker would no longer read beside a compose.yaml."""

OLDEST_MINOR = 11
WHEEL = re.compile(r"chalice_fargate-[\w.+!]+-py3-none-any\.whl")
EXTRA_OF_VARIABLE = {name.upper(): extra for name, extra in EXTRA_OF.items()}
UNREAD = LISTENING | {"API_KEYS_SECRET_ARN", *EXTRA_OF_VARIABLE}
"""Variables that are not checked here: the container's own, a secret, and what needs a package that may be missing."""


def main(arguments: Sequence[str], environ: Mapping[str, str], lifecycle: Lifecycle) -> int:
    """Write the files; return the exit status: 0, 1 if a file is there already, 2 if they cannot be written."""
    given = _parser().parse_args(arguments)
    try:
        return _write_files(given, environ, Path.cwd())
    except (ConfigurationError, OSError) as error:
        print(f"Cannot write:\n{error}", file=sys.stderr)
        return CANNOT_WRITE


def _write_files(given: argparse.Namespace, environ: Mapping[str, str], folder: Path) -> int:
    """Write all files, or none; return the exit status.

    Raises:
        ConfigurationError: there is no project, or something in it or an argument is wrong; one line for each error.
        OSError: a file cannot be written.
    """
    container = _describe(given, environ, folder)
    files = {"Dockerfile": dockerfile(container), ".dockerignore": dockerignore(container), COMPOSE: compose(container)}
    wheels = [given.wheel] if given.wheel and given.wheel.resolve().parent != folder.resolve() else []
    names = [*files, *(wheel.name for wheel in wheels)]
    there = [name for name in (*names, *OTHER_COMPOSE_FILES) if (folder / name).exists()]
    if there and not given.force:
        print(f"Nothing is written. There already: {', '.join(there)}. --force overwrites", file=sys.stderr)
        return KEPT
    for name, text in files.items():
        (folder / name).write_text(text, encoding="utf-8")
    for wheel in wheels:
        shutil.copy(wheel, folder)  # a build reads no file outside of its folder
    _report(container, names)
    return WRITTEN


def _report(container: Container, files: Sequence[str]) -> None:
    print(f"Written: {', '.join(files)}")
    print(f"They serve {container.target} with {container.server} on Python {container.python}.")
    print(f"Next: docker compose up --build --wait && curl http://localhost:{Settings().port}/readyz")


def _describe(given: argparse.Namespace, environ: Mapping[str, str], folder: Path) -> Container:
    """Read the project."""
    _check_project(folder)
    project = project_here(given.stage, environ)
    settings = read_settings({name: value for name, value in project.environment.items() if name not in UNREAD})
    server = Server(given.server or settings.server)
    requirements = requirement_files(folder)
    return Container(
        program=f"{SCRIPT} {fargate.__version__}",
        target=given.app,
        server=server,
        python=given.python,
        sources=_sources(folder, given.app),
        requirements=requirements,
        hashed=are_hashed(folder, requirements),
        package=_package(_extras(server, project, given.extra), given.wheel),
        wheel=given.wheel.name if given.wheel else None,
        project=project,
        settings=settings,
    )


def _check_project(folder: Path) -> None:
    """Check that a Chalice project is here.

    Raises:
        ConfigurationError: there is none; the message names those in the folders here.
    """
    if (folder / CONFIGURATION).is_file():
        return
    below = sorted(f"{file.parents[1].name}/" for file in folder.glob(f"*/{CONFIGURATION}"))
    hint = f"; there is one in {', '.join(below)}" if below else ""
    raise ConfigurationError(f"There is no Chalice project in {folder} (no {CONFIGURATION}){hint}")


def _sources(folder: Path, target: str) -> tuple[str, ...]:
    """Return what Chalice packages of a project: the app, `chalicelib/`, `vendor/`.

    Raises:
        ConfigurationError: the app is not there.
    """
    top = target.partition(":")[0].partition(".")[0]
    app = next((name for name in (f"{top}.py", top) if (folder / name).exists()), None)
    if app is None:
        raise ConfigurationError(f"There is no {top}.py or {top}/ in {folder} to serve {target!r} from")
    libraries = [name for name in ("chalicelib", "vendor") if (folder / name).is_dir()]
    return tuple(dict.fromkeys([app, *libraries]))


def _extras(server: Server, project: Project, asked: Sequence[str]) -> str:
    """Return the extras of the package. `secrets` is boto3, which `poll` needs too."""
    servers = set() if server is Server.WAITRESS else {str(server)}
    needed = {extra for name, extra in EXTRA_OF_VARIABLE.items() if project.environment.get(name)}
    return ",".join(sorted({"secrets"} | servers | needed | set(asked)))


def _package(extras: str, wheel: Path | None) -> str:
    """Return the requirement of this package."""
    return f"./{wheel.name}[{extras}]" if wheel else f"{SCRIPT}[{extras}]=={fargate.__version__}"


def _python(text: str) -> str:
    found = re.fullmatch(r"3\.(\d+)", text, re.ASCII)
    if found is None or int(found[1]) < OLDEST_MINOR:
        raise argparse.ArgumentTypeError(f"{text!r} is not 3.{OLDEST_MINOR} or newer")
    return text


def _wheel(text: str) -> Path:
    wheel = Path(text)
    if not wheel.is_file() or not WHEEL.fullmatch(wheel.name):
        raise argparse.ArgumentTypeError(f"{text!r} is not a wheel of {SCRIPT}")
    return wheel


def _parser() -> argparse.ArgumentParser:
    here = f"{sys.version_info.major}.{sys.version_info.minor}"
    parser = argparse.ArgumentParser(
        prog=f"{program()} dockerfile",
        description=f"Write a Dockerfile, a .dockerignore and a {COMPOSE} for the Chalice project in this folder. "
        f"{COMPOSE} gets the stage's variables; the image gets none of them.",
    )
    add_stage(parser)
    parser.add_argument(
        "--server", choices=list(map(str, Server)), help=f"default: SERVER of the stage, or {Settings().server}"
    )
    parser.add_argument("--python", type=_python, default=here, help=f"default: the one that runs this, {here}")
    parser.add_argument("--app", default="app:app", metavar="MODULE:ATTRIBUTE", help="default: app:app")
    parser.add_argument(
        "--extra",
        action="append",
        default=[],
        choices=sorted(EXTRAS),
        help="install this extra too; those that the server and the stage's variables need are. Name redis if only "
        "the container gets SCHEDULE_REDIS_URL or WEBSOCKET_REDIS_URL. It can be repeated",
    )
    parser.add_argument(
        "--wheel", type=_wheel, metavar="FILE", help=f"a wheel of {SCRIPT}, to install in place of the index's"
    )
    parser.add_argument("--force", action="store_true", help="overwrite files that are there")
    return parser
