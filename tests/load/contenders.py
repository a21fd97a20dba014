"""The measured programs: the shop on each of its servers, those servers alone, and other implementations."""

import contextlib
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

import psutil

from local.ports import LOOPBACK, free_port, http_status
from local.processes import Child, Program
from tests.fixtures.servers import ROOT, passed_on
from tests.load.workloads import KEY

SERVERS = ("waitress", "uvicorn", "granian")
EXPRESS = ROOT / ".cache" / "express"
READY_SECONDS = 30.0
PATIENCE = 0.002


@dataclass(frozen=True, slots=True)
class Contender:
    """A program that serves `GET /product/{id}`, or another path, on PORT, in its environment or its command."""

    name: str
    command: tuple[str, ...]
    environ: Mapping[str, str] = field(default_factory=dict)
    folder: Path = ROOT
    probe: str = "/product/1"

    def with_environ(self, **environ: str) -> "Contender":
        """Return the same program with other settings."""
        return replace(self, environ={**self.environ, **environ})

    def of(self, checkout: Path) -> "Contender":
        """Return the program of another checkout, with the packages installed here."""
        return replace(self, name=beside_name(self.name), folder=checkout)


def beside_name(name: str) -> str:
    """Return the name of a contender in the other checkout."""
    return f"{name}, the other checkout"


def shop(server: str) -> Contender:
    """Return the shop as it is deployed: with logs, metrics and traces."""
    return Contender(server, (sys.executable, "-m", "fargate"), {"SERVER": server, "API_KEYS": KEY})


def floor(server: str) -> Contender:
    """Return a server alone, with a constant answer."""
    return Contender(f"nothing but {server}", (sys.executable, "-m", "tests.load.floors", server, "PORT"))


def preforked(server: str, processes: int) -> Contender:
    """Return several processes of the shop behind one listening socket, a rejected design."""
    environ = {"SERVER": server, "API_KEYS": KEY, "PROCESSES": str(processes)}
    return Contender(f"{server}, forked", (sys.executable, "-m", "tests.load.preforked"), environ)


RIVALS = (
    Contender("Express, node-redis, pg", ("node", "server.js"), folder=EXPRESS),
    Contender(
        "FastAPI, asyncpg, uvicorn",
        (sys.executable, "-m", "uvicorn", "--no-access-log", "--port", "PORT", "tests.load.rivals.fastapi_app:app"),
    ),
    Contender(
        "Flask, psycopg, waitress",
        (sys.executable, "-m", "waitress", "--threads=8", "--listen=127.0.0.1:PORT", "tests.load.rivals.flask_app:app"),
    ),
)


@dataclass(frozen=True, slots=True)
class Running:
    """A running contender."""

    contender: Contender
    port: int
    process: psutil.Process
    seconds_to_answer: float
    log: Path

    @property
    def url(self) -> str:
        """Its URL."""
        return f"http://{LOOPBACK}:{self.port}"

    def cpu_seconds(self) -> float:
        """Return the CPU time, user and system, of the process and its descendants."""
        return sum(self.cpu_by_process())

    def cpu_by_process(self) -> list[float]:
        """Return the CPU time of each process."""
        times = [each.cpu_times() for each in self._family()]
        return [each.user + each.system for each in times]

    def resident_bytes(self) -> int:
        """Return the memory of it and its descendants."""
        return sum(each.memory_info().rss for each in self._family())

    def _family(self) -> list[psutil.Process]:
        return [self.process, *self.process.children(recursive=True)]


@contextlib.contextmanager
def running(contender: Contender, environ: Mapping[str, str]) -> Iterator[Running]:
    """Run a contender, and end it with the block, which begins at the first answer. `environ` names the stores.

    Raises:
        RuntimeError: it did not answer; the message holds its output.
    """
    port = free_port()
    with tempfile.TemporaryDirectory(prefix="shop-") as folder:
        log = Path(folder, "output")
        command = [word.replace("PORT", str(port)) for word in contender.command]
        given = {**passed_on(), "HOST": LOOPBACK, **environ, **contender.environ, "PORT": str(port)}
        began = time.perf_counter()
        child = Child(Program(contender.name, command, log=log, environ=given, folder=contender.folder))
        try:
            while child.running and time.perf_counter() - began < READY_SECONDS:
                if http_status(LOOPBACK, port, contender.probe) == 200:
                    break
                time.sleep(PATIENCE)
            else:
                raise RuntimeError(f"{contender.name} does not answer:\n{log.read_text(errors='replace')}")
            yield Running(contender, port, psutil.Process(child.pid), time.perf_counter() - began, log)
        finally:
            child.end()
