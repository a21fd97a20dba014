"""A Docker engine for the tests: a process that they start and end, with its data in a folder that they remove.

It has no network of its own, so containers use the machine's, and it changes nothing of it.
"""

import contextlib
import json
import os
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from local.errors import MissingProgramError
from local.processes import Program
from tests.fixtures.servers import running
from tests.image.stand_ins import ROOT, StandIn, required

START_SECONDS = 60.0
END_SECONDS = 60.0
COMMAND_SECONDS = 120.0
BUILD_SECONDS = 900.0
PULL_SECONDS = 300.0


class DockerError(AssertionError):
    """A Docker command failed; the message is its output."""


@dataclass(frozen=True, slots=True)
class Engine:
    """The engine, used through Docker's command line."""

    client: str
    home: Path

    @property
    def socket(self) -> str:
        """Where it listens."""
        return f"unix://{self.home}/docker.sock"

    def docker(self, *words: str | Path, seconds: float = COMMAND_SECONDS, **environ: str) -> str:
        """Run a command; return its standard output.

        Raises:
            DockerError: it failed.
        """
        done = self.attempt(*words, seconds=seconds, **environ)
        if done.returncode != 0:
            command = " ".join(map(str, words))
            raise DockerError(f"docker {command}: exit status {done.returncode}\n{done.stdout}\n{done.stderr}")
        return done.stdout.strip()

    def attempt(
        self, *words: str | Path, seconds: float = COMMAND_SECONDS, **environ: str
    ) -> "subprocess.CompletedProcess[str]":
        """Run a command that may fail."""
        return subprocess.run(
            [self.client, *map(str, words)],
            env={**self.environ(), **environ},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=seconds,
        )

    def environ(self) -> dict[str, str]:
        """Return the environment in which Docker's programs use this engine only."""
        return {**_environ(self.home), "DOCKER_HOST": self.socket}

    def answers(self) -> bool:
        """Return whether it accepts commands."""
        return self.attempt("version").returncode == 0

    def base(self, stand_in: StandIn) -> str:
        """Return a base image: the real one if it can be pulled, otherwise its stand-in.

        Raises:
            MissingProgramError: neither can be had.
        """
        if self.pulled(stand_in.image):
            return stand_in.image
        name = f"stand-in/{stand_in.image}"
        changes = [word for change in stand_in.changes for word in ("--change", change)]
        self.docker("import", *changes, stand_in.archive(), name, seconds=BUILD_SECONDS)
        return name

    def pulled(self, image: str) -> bool:
        """Pull an image; return whether that succeeded."""
        with contextlib.suppress(subprocess.TimeoutExpired):
            return self.attempt("pull", "--quiet", image, seconds=PULL_SECONDS).returncode == 0
        return False

    def build(self, tag: str, dockerfile: Path, context: Path, arguments: Mapping[str, str]) -> str:
        """Build an image as the pipeline does; return its name.

        Raises:
            DockerError: it cannot be built.
        """
        given = [word for name, value in arguments.items() for word in ("--build-arg", f"{name}={value}")]
        names = ("--file", dockerfile, "--tag", tag, "--network", "host", "--progress", "plain")
        self.docker("build", *names, *given, context, seconds=BUILD_SECONDS, DOCKER_BUILDKIT="1")
        return tag

    def derive(self, tag: str, *lines: str, context: Path | None = None) -> str:
        """Build an image from the lines of a Dockerfile; return its name."""
        with tempfile.TemporaryDirectory(prefix="shop-") as folder:
            dockerfile = Path(folder, "Dockerfile")
            dockerfile.write_text("\n".join(lines))
            return self.build(tag, dockerfile, context or Path(folder), {})

    def image(self, name: str) -> dict[str, Any]:
        """Return an image's description."""
        described: dict[str, Any] = json.loads(self.docker("image", "inspect", name))[0]
        return described

    def once(self, image: str, *words: str, options: tuple[str, ...] = (), **environ: str) -> str:
        """Run a command in a new container to its end; return its output."""
        return self.docker("run", "--rm", *HARDENED, *options, *settings_of(environ), image, *words)


HARDENED = ("--network=host", "--read-only", "--cap-drop=ALL", "--security-opt=no-new-privileges")
"""As on Fargate, but without any capability."""


def settings_of(environ: Mapping[str, str]) -> list[str]:
    """Return the options for a container's environment."""
    return [word for name, value in environ.items() for word in ("--env", f"{name}={value}")]


@contextlib.contextmanager
def running_engine() -> Iterator[Engine]:
    """Run an empty engine, and remove its data at the end.

    Raises:
        MissingProgramError: this machine has none, or not for us.
    """
    daemon = required("dockerd", "docker.io")
    beside = Path(daemon).parent.with_name("bin") / "docker"  # prefer the client of the same version
    client = str(beside) if beside.exists() else required("docker", "docker.io")
    if os.geteuid() != 0:
        raise MissingProgramError("a Docker engine of the tests' own needs root")
    home = Path(tempfile.mkdtemp(prefix="shop-"))
    try:
        engine = Engine(client, home)
        with running(_program(daemon, home), engine.answers, START_SECONDS):
            yield engine
            _clear(engine)
    finally:
        _unmount(home)
        shutil.rmtree(home)


def _unmount(home: Path) -> None:
    """Unmount what the engine has mounted below its home."""
    mounted = [line.split()[4] for line in Path("/proc/self/mountinfo").read_text().splitlines()]
    for place in reversed(mounted):
        if Path(place).is_relative_to(home):
            subprocess.run(["umount", place], check=True, timeout=COMMAND_SECONDS)


def _program(daemon: str, home: Path) -> Program:
    options = {
        "host": f"unix://{home}/docker.sock",
        "data-root": str(home / "data"),
        "exec-root": str(home / "exec"),
        "pidfile": str(home / "docker.pid"),
        "config-file": str(home / "daemon.json"),
        "iptables": "false",
        "ip6tables": "false",
        "bridge": "none",
    }
    (home / "daemon.json").write_text("{}")
    return Program(
        "the Docker engine",
        [daemon, *(f"--{name}={value}" for name, value in options.items())],
        log=home / "engine.log",
        environ=_environ(home),
        folder=ROOT,
        end_signal=signal.SIGTERM,
        end_seconds=END_SECONDS,
    )


def _clear(engine: Engine) -> None:
    """Remove what would outlive the engine: processes, and network bridges."""
    if left := engine.docker("ps", "--all", "--quiet").split():
        engine.docker("rm", "--force", "--volumes", *left)
    engine.docker("network", "prune", "--force")


def _environ(home: Path) -> dict[str, str]:
    """Return an environment that leads to no configuration or engine of this machine."""
    kept = {
        name: value
        for name, value in os.environ.items()
        if name in ("PATH", "LANG", "TMPDIR") or "proxy" in name.lower()
    }
    return {**kept, "HOME": str(home), "DOCKER_CONFIG": str(home / "client")}
