"""Running containers: their output, state and end."""

import contextlib
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import httpx

from local.ports import LOOPBACK, free_port
from local.waiting import wait_until
from tests.image.engine import HARDENED, Engine, settings_of

READY_SECONDS = 60.0
STOP_SECONDS = 40
"""The time from SIGTERM to SIGKILL on Fargate (terraform/app.tf)."""

KEY = "of-the-tests"


@dataclass(frozen=True, slots=True)
class Container:
    """A container on this machine's network."""

    engine: Engine
    id: str
    port: int

    @property
    def url(self) -> str:
        """Its URL, without a slash at the end."""
        return f"http://{LOOPBACK}:{self.port}"

    def client(self) -> httpx.Client:
        """Return an HTTP client for it, with a key."""
        return httpx.Client(base_url=self.url, headers={"x-api-key": KEY}, timeout=30)

    def state(self) -> dict[str, Any]:
        """Return its state."""
        state: dict[str, Any] = json.loads(self.engine.docker("inspect", "--format", "{{json .State}}", self.id))
        return state

    def log(self) -> str:
        """Return its standard output and standard error."""
        done = self.engine.attempt("logs", self.id)
        return done.stdout + done.stderr

    def run(self, *words: str) -> str:
        """Run a command inside; return its output."""
        return self.engine.docker("exec", self.id, *words)

    def stop(self) -> int:
        """End it as Fargate does; return its exit status."""
        self.engine.docker("stop", "--time", str(STOP_SECONDS), self.id)
        return int(self.state()["ExitCode"])

    def await_answers(self, path: str = "/readyz", status: int = 200) -> None:
        """Wait until it answers `path` with `status`."""
        wanted = wait_until(lambda: not self.state()["Running"] or self._answers(path) == status, READY_SECONDS)
        assert wanted, f"{path} does not answer {status}:\n{self.log()}"
        assert self.state()["Running"], f"it ended:\n{self.log()}"

    def await_health(self, status: str) -> None:
        """Wait until the health check has this result."""
        found = wait_until(lambda: self.state()["Health"]["Status"] == status, READY_SECONDS)
        assert found, f"not {status}: {self.state()['Health']}\n{self.log()}"

    def _answers(self, path: str) -> int | None:
        try:
            return httpx.get(f"{self.url}{path}", timeout=5).status_code
        except httpx.TransportError:
            return None


def shop_environ(database_url: str, redis_url: str, **settings: str) -> dict[str, str]:
    """Return the settings of a shop over these stores."""
    return {"DATABASE_URL": database_url, "REDIS_URL": redis_url, "API_KEYS": KEY, **settings}


@contextlib.contextmanager
def started(
    engine: Engine,
    image: str,
    environ: Mapping[str, str],
    *,
    options: Sequence[str] = ("--init",),
    arguments: Sequence[str] = (),
    port: int | None = None,
) -> Iterator[Container]:
    """Run an image's own command until the block ends, on a free port (PORT) or the given one."""
    where = port or free_port()
    settings = environ if port else {"HOST": LOOPBACK, "PORT": str(where), **environ}
    often = ("--health-interval=1s", "--health-start-period=0s", "--health-retries=1")
    id = engine.docker("run", "--detach", *HARDENED, *often, *options, *settings_of(settings), image, *arguments)
    try:
        yield Container(engine, id, where)
    finally:
        engine.docker("rm", "--force", "--volumes", id)
