"""Real servers: `python -m fargate` in a process of its own, on a free port."""

import contextlib
import http.client
import json
import os
import sys
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from subprocess import Popen

from local.ports import LOOPBACK, free_port
from local.processes import Child, Program, describe
from local.waiting import wait_until

ROOT = Path(__file__).resolve().parent.parent
READY_SECONDS = 30.0
END_SECONDS = 30.0

_PASSED_ON = ("PATH", "HOME", "LANG", "LC_ALL", "TMPDIR", "TZ", "VIRTUAL_ENV")


@dataclass(frozen=True, slots=True)
class Server:
    """A server that runs."""

    port: int
    process: "Popen[bytes]"
    log: Path

    @property
    def url(self) -> str:
        """Where it answers, without a slash at the end."""
        return f"http://{LOOPBACK}:{self.port}"

    def output(self) -> str:
        """Everything it has written so far, to standard output and standard error."""
        return self.log.read_text(errors="replace")

    def complaints(self) -> str:
        """The lines of its output that tell of something wrong: its warnings and errors, and every 5xx."""
        return "\n".join(line for line in self.output().splitlines() if _complains(line))

    def awaited_output(self, text: str) -> str:
        """What it has written, once this is among it: lines are written a moment after what they tell of."""
        assert wait_until(lambda: text in self.output(), READY_SECONDS), f"no {text!r} in:\n{self.output()}"
        return self.output()


@contextlib.contextmanager
def serving(environ: Mapping[str, str], *arguments: str) -> Iterator[Server]:
    """Run `python -m fargate` with these settings, and no others, from where it is ready until the block ends.

    Raises:
        AssertionError: it ended, or was not ready in time; the message holds its output.
    """
    port = free_port()
    with tempfile.TemporaryDirectory(prefix="shop-") as folder:
        log = Path(folder) / "output"
        child = Child(_program(port, environ, arguments, log))
        try:
            server = Server(port, child.process, log)
            ready = wait_until(lambda: not child.running or is_ready(port), READY_SECONDS)
            assert ready, f"not ready after {READY_SECONDS:.0f} s:\n{server.output()}"
            assert child.running, f"the server did not start ({describe(child.status)}):\n{server.output()}"
            yield server
        finally:
            child.end()


def is_ready(port: int) -> bool:
    """Say whether GET /readyz answers as from a server that is up; an app without that route answers 403 or 404."""
    connection = http.client.HTTPConnection(LOOPBACK, port, timeout=5)
    try:
        connection.request("GET", "/readyz")
        return connection.getresponse().status < 500
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()


def passed_on() -> dict[str, str]:
    """Return what of our environment a tested program gets: where things are, and none of its settings."""
    return {name: os.environ[name] for name in _PASSED_ON if name in os.environ}


def _complains(line: str) -> bool:
    try:
        told = json.loads(line)
        return bool(told["level"] != "INFO" or told.get("http", {}).get("status", 0) >= 500)
    except (ValueError, KeyError, TypeError):  # not one of the log's lines: a traceback, perhaps
        return True


def _program(port: int, environ: Mapping[str, str], arguments: tuple[str, ...], log: Path) -> Program:
    return Program(
        "the server",
        [sys.executable, "-m", "fargate", *arguments],
        log=log,
        environ={"PYTHONUNBUFFERED": "1", "HOST": LOOPBACK, **passed_on(), **environ, "PORT": str(port)},
        folder=ROOT,
        end_seconds=END_SECONDS,
    )
