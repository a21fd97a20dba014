"""`python -m local` and `python -m local.observe` in a process of their own, with a test's data folder."""

import contextlib
import http.client
import json
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import psutil

from local.ports import LOOPBACK, free_port
from local.processes import Child, Program
from local.waiting import wait_until
from tests.fixtures.servers import ROOT, passed_on

OPEN_SECONDS = 60.0
END_SECONDS = 60.0


@dataclass(frozen=True, slots=True)
class Run:
    """One run."""

    child: Child
    port: int
    log: Path

    def output(self) -> str:
        """What it has printed so far."""
        return self.log.read_text(errors="replace")

    def wait_for(self, text: str) -> None:
        """Wait until it has printed `text`."""
        seen = wait_until(lambda: text in self.output() or not self.child.running, OPEN_SECONDS)
        assert seen, f"{text!r} is not printed:\n{self.output()}"
        assert text in self.output(), f"it ended before it printed {text!r}:\n{self.output()}"

    def status(self) -> int | None:
        """Wait for its end and return its exit status."""
        assert self.child.wait(END_SECONDS), f"it does not end:\n{self.output()}"
        return self.child.status

    def family(self) -> list[psutil.Process]:
        """Return its descendants that still run."""
        return psutil.Process(self.child.pid).children(recursive=True)

    def process(self, program: str) -> psutil.Process:
        """Return the child with `program` in its command line."""
        (found,) = [
            process
            for process in psutil.Process(self.child.pid).children()
            if any(program in word for word in process.cmdline())
        ]
        return found

    def ask(self, method: str, path: str, product: object = None) -> tuple[int, object]:
        """Send a request; return the status and the JSON of the response."""
        with contextlib.closing(http.client.HTTPConnection(LOOPBACK, self.port, timeout=10)) as connection:
            body = None if product is None else json.dumps(product)
            connection.request(method, path, body, {} if body is None else {"Content-Type": "application/json"})
            answer = connection.getresponse()
            return answer.status, json.loads(answer.read())


@contextlib.contextmanager
def started(home: Path, environ: Mapping[str, str] | None = None, module: str = "local") -> Iterator[Run]:
    """Start `python -m MODULE`, and end it with the block, which may begin before the shop is open."""
    port = free_port()
    log = home / f"terminal-{port}"
    settings = {**passed_on(), "PORT": str(port), **(environ or {})}
    command = [sys.executable, "-m", module, home / "data"]
    child = Child(Program("run", command, log=log, environ=settings, folder=ROOT, end_seconds=END_SECONDS))
    try:
        yield Run(child, port, log)
    finally:
        child.end()


@contextlib.contextmanager
def open_shop(home: Path, environ: Mapping[str, str] | None = None) -> Iterator[Run]:
    """Start the shop and wait until it is open."""
    with started(home, environ) as run:
        run.wait_for("Ctrl-C ends everything")
        yield run
