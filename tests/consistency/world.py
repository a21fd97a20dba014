"""A small production: real stores, real tasks (`python -m fargate`), and a proxy between each pair of them.

What must hold: no process outlives the world, and a restarted task keeps its port.
"""

import contextlib
import itertools
import signal
import sys
import tempfile
import threading
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

import redis

from local.ports import LOOPBACK, free_port
from local.processes import Child, Program
from local.waiting import wait_until
from tests.consistency.clients.client import NAME
from tests.consistency.judge.history import Value
from tests.consistency.judge.ledger import Ledger
from tests.fixtures.servers import ROOT, is_ready, passed_on
from tests.fixtures.stores import OwnRedis
from tests.fixtures.wire import Network, Proxy

READY_SECONDS = 30.0
PRODUCTS = (1, 2, 3, 4)
"""Few, so that readers and writers meet."""

SHOP = "app:app"
FASTEST = ("uvicorn", "uvicorn", "uvicorn")
EVERY_SERVER = ("waitress", "uvicorn", "granian")


class Task:
    """One process of the service, on a port of its own, with a proxy to each store.

    `leases` are the lengths of its local leases in milliseconds, another one at each start.
    """

    def __init__(
        self,
        app: str,
        environ: Mapping[str, str],
        leases: Iterator[int],
        to_postgres: Proxy,
        to_redis: Proxy,
        log: Path,
    ) -> None:
        self.port = free_port()
        self.to_postgres = to_postgres
        self.to_redis = to_redis
        self._log = log
        self._child: Child | None = None
        self._command = [sys.executable, "-m", "fargate", app]
        self._environ = {**passed_on(), "HOST": LOOPBACK, **environ, "PORT": str(self.port)}
        self._leases = leases

    def start(self) -> None:
        """Start it and return once it is ready."""
        self.launch()
        self.await_ready()

    def launch(self) -> None:
        """Start it."""
        environ = {**self._environ, "LOCAL_LEASE_MS": str(next(self._leases))}
        program = Program("a task", self._command, log=self._log, environ=environ, folder=ROOT)
        self._child = Child(program)

    def await_ready(self) -> None:
        """Wait until it is ready. Raises AssertionError with its output if it does not become so."""
        child = self._child
        assert child is not None, "not launched"
        wait_until(lambda: not child.running or is_ready(self.port), READY_SECONDS)
        assert child.running, f"the task did not start:\n{self.output()}"
        assert is_ready(self.port), f"the task was not ready after {READY_SECONDS:.0f} s:\n{self.output()}"

    def kill(self) -> None:
        """SIGKILL it."""
        if self._child is not None:
            self._child.kill()

    def kill_at_write(self, seconds: float) -> None:
        """SIGKILL it when it has sent a statement that writes, at the latest after `seconds`. The statement arrives."""
        killed = threading.Event()

        def kill_at_once(_connection: int, data: bytes) -> None:
            if NAME in data and not killed.is_set():
                killed.set()
                self._signal_kill()

        self.to_postgres.taps.append(kill_at_once)
        killed.wait(seconds)
        self.to_postgres.taps.remove(kill_at_once)
        self.kill()

    def _signal_kill(self) -> None:
        if self._child is not None:
            self._child.signal(signal.SIGKILL)

    def output(self) -> str:
        """Return what it wrote since it was last started."""
        return self._log.read_text(errors="replace")


@dataclass(frozen=True, slots=True)
class World:
    """All that a test may look at or harm."""

    database_url: str
    redis_server: OwnRedis
    tasks: Sequence[Task]
    ledger: Ledger

    @property
    def ports(self) -> list[int]:
        """Where the tasks answer."""
        return [task.port for task in self.tasks]

    def redis_client(self) -> redis.Redis:
        """Return a client of Redis without a proxy."""
        return redis.Redis(port=self.redis_server.port, host=LOOPBACK, socket_timeout=5)

    def end_faults(self) -> None:
        """End every fault of the proxies, and thaw Redis."""
        self.redis_server.thaw()
        for task in self.tasks:
            task.to_postgres.end_faults()
            task.to_redis.end_faults()


@contextlib.contextmanager
def running_world(
    database_url: str,
    redis_server: OwnRedis,
    initial: Mapping[int, Value],
    *,
    servers: Sequence[str] = FASTEST,
    app: str = SHOP,
    leases: Sequence[int] = (50,),
    **environ: str,
) -> Iterator[World]:
    """Run a task on each of the servers, over a Redis and a fresh database with the initial products.

    Each task that is started, or started again, takes the next of the `leases`.
    """
    ledger = Ledger(database_url)
    ledger.install()
    ledger.fill(initial.items())
    with contextlib.ExitStack() as stack:
        network = stack.enter_context(Network())
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="shop-")))
        ports = urlsplit(database_url).port or 0, redis_server.port
        turns = itertools.cycle(leases)
        members = []
        for number, server in enumerate(servers):
            proxies = network.proxy(ports[0]), network.proxy(ports[1])
            settings = {"SERVER": server, **environ, **_stores(database_url, *proxies)}
            members.append(Task(app, settings, turns, *proxies, folder / f"task-{number}"))
        for task in members:
            stack.callback(task.kill)
            task.launch()
        for task in members:
            task.await_ready()
        yield World(database_url, redis_server, members, ledger)


def _stores(database_url: str, to_postgres: Proxy, to_redis: Proxy) -> dict[str, str]:
    """Return the settings by which a task reaches its stores through its proxies."""
    return {
        "API_KEYS": "none",
        "DATABASE_URL": database_url.replace(f":{to_postgres.upstream}/", f":{to_postgres.port}/"),
        "REDIS_URL": f"redis://{LOOPBACK}:{to_redis.port}/0",
    }
