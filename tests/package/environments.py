"""Virtual environments that hold the package and what its metadata names, and programs that run in them."""

import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from local.ports import LOOPBACK, free_port
from local.processes import Program
from tests.fixtures.servers import ROOT, is_ready, passed_on, running
from tests.fixtures.tools import beside, give_up

ADAPTER = ROOT / "fargate"
LOCK = ROOT / "requirements-dev.txt"
INSTALL_SECONDS = 110
RUN_SECONDS = 60


@dataclass(frozen=True, slots=True)
class Environment:
    """A virtual environment. Its programs see neither this checkout nor our variables."""

    folder: Path

    @property
    def python(self) -> Path:
        """Its interpreter."""
        return self.folder / "bin" / "python"

    def run(self, program: str, *arguments: str | Path, at: Path, **environ: str) -> "subprocess.CompletedProcess[str]":
        """Run one of its programs in the folder `at`."""
        return subprocess.run(
            [self.folder / "bin" / program, *arguments],
            cwd=at,
            env={**bare_environ(), **environ},
            capture_output=True,
            text=True,
            timeout=RUN_SECONDS,
        )


@contextmanager
def served(environment: Environment, project: Path, server: str) -> Iterator[str]:
    """Serve the project's app with the console script; yield its URL."""
    port, log = free_port(), project / f"{server}.log"
    environ = {**bare_environ(), "HOST": LOOPBACK, "PORT": str(port)}
    command = [environment.folder / "bin" / "chalice-fargate", "app:app", "--server", server]
    with running(Program("the server", command, log, environ, project), lambda: is_ready(port)):
        yield f"http://{LOOPBACK}:{port}"


def bare_environ() -> Mapping[str, str]:
    """Return what a program needs of our environment; VIRTUAL_ENV names another."""
    return {name: value for name, value in passed_on().items() if name != "VIRTUAL_ENV"}


LOCKED = ("--constraint", LOCK)
"""In the versions that this project locks."""


def create(
    folder: Path, requirement: str, *, python: str = sys.executable, choice: Sequence[str | Path] = LOCKED
) -> Environment:
    """Create a virtual environment with a requirement; `choice`: uv's options for the versions of what it needs."""
    uv("venv", "--python", python, folder)
    environment = Environment(folder)
    install((requirement,), "--python", environment.python, *choice)
    return environment


def install(requirements: tuple[str | Path, ...], *options: str | Path) -> None:
    """Install with uv; skip the test if no package index can be reached."""
    uv("pip", "install", *options, *requirements)


def uv(*words: str | Path) -> str:
    """Run uv; return its output."""
    command = [beside(sys.executable, "uv", "make setup does that"), "--quiet", *map(str, words)]
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=INSTALL_SECONDS)
    if "Failed to fetch" in done.stdout:
        give_up(f"no index of packages can be reached: {done.stdout.splitlines()[-1].strip()}")
    assert done.returncode == 0, done.stdout
    return done.stdout


def build(source: Path, into: Path) -> None:
    """Build both distributions of a folder with the backend that its pyproject.toml names."""
    command = [sys.executable, "-m", "hatchling", "build", "--directory", into]
    done = subprocess.run(command, cwd=source, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=60)
    assert done.returncode == 0, done.stdout
