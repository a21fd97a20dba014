"""The whole shop on one machine: the stores, the migrations, the app; begun in this order, ended in the reverse one."""

import contextlib
import http.client
import signal
import sys
from pathlib import Path

from local.errors import ProgramError
from local.lock import held
from local.ports import reachable_host, require_free
from local.processes import Child, Program, describe, require_ready, run
from local.servers.postgres import PostgresServer
from local.servers.redis import RedisServer
from local.servers.stale import end_leftover
from local.settings import ROOT, Settings
from local.terminal import Terminal
from local.waiting import Pause

MIGRATE = (sys.executable, "-m", "chalicelib.migrate")
SERVE = (sys.executable, "-m", "fargate")
MIGRATION_SECONDS = 330.0  # it may wait for another one
START_SECONDS = 60.0
DRAIN_SECONDS = 25.0
WATCH_SECONDS = 60.0  # a child's end wakes us, so this only bounds what a lost wake-up costs


class Shop:
    """One run of the shop."""

    def __init__(self, settings: Settings, terminal: Terminal, pause: Pause) -> None:
        self._settings = settings
        self._terminal = terminal
        self._pause = pause
        self._postgres = PostgresServer(settings.data, pause=pause)
        self._redis = RedisServer(settings.data, pause=pause)
        self._app_pid_file = settings.data / "app.pid"
        self._children: list[Child] = []

    def run(self) -> None:
        """Run until something ends it; whatever that is, end everything that was started before raising it.

        Raises:
            LocalError: it cannot run, or a part of it ended by itself.
            StopRequested: it was asked to end (raised by `pause`).
        """
        with held(self._settings.data), contextlib.ExitStack() as ending:
            self._end_leftovers()
            require_free(self._settings.host, self._settings.port)
            owner = self._start_postgres(ending) if self._settings.database_url is None else None
            database_url = self._settings.database_url or self._postgres.service_address().url
            redis_url = self._settings.redis_url or self._start_redis(ending)
            environ = self._settings.environ_of_app(database_url, redis_url)
            self._migrate({**environ, **self._settings.environ_of_owner(owner)})
            self._serve(environ, ending)
            self._welcome()
            self._watch()

    def _end_leftovers(self) -> None:
        """Heal what a run that was killed left behind."""
        app = end_leftover(self._app_pid_file, ROOT, signal.SIGTERM, DRAIN_SECONDS, self._pause)
        for name, pid in (
            ("app", app),
            ("Redis", self._redis.end_leftover()),
            ("PostgreSQL", self._postgres.end_leftover()),
        ):
            if pid is not None:
                self._terminal.say(f"Ended the {name} left over from an earlier run (process {pid}).")

    def _start_postgres(self, ending: contextlib.ExitStack) -> str:
        """Start it, and return how its owner gets in."""
        with self._terminal.step("PostgreSQL") as step:
            self._postgres.start()
            step.outcome = f"ready on port {self._postgres.address.port}"
        for folder in self._postgres.opened:
            self._terminal.say(f"Let group {folder.group()} pass through {folder}: PostgreSQL refuses to run as root.")
        self._keep(self._postgres.child, ending)
        return self._postgres.address.url

    def _start_redis(self, ending: contextlib.ExitStack) -> str:
        with self._terminal.step("Redis") as step:
            self._redis.start()
            step.outcome = f"ready on port {self._redis.port}"
        self._keep(self._redis.child, ending)
        return self._redis.url

    def _migrate(self, environ: dict[str, str]) -> None:
        log = self._settings.data / "migrate.log"
        with self._terminal.step("Migrations") as step:
            run(
                Program("The migration", MIGRATE, log=log, environ=environ, folder=ROOT),
                MIGRATION_SECONDS,
                self._pause,
            )
            step.outcome = "done"

    def _serve(self, environ: dict[str, str], ending: contextlib.ExitStack) -> None:
        program = Program("App", SERVE, environ=environ, folder=ROOT, end_seconds=DRAIN_SECONDS)
        with self._terminal.step("App", shared=True) as step:
            app = Child(program)
            self._keep(app, ending)
            self._app_pid_file.write_text(str(app.pid))
            require_ready(app, self._ready, START_SECONDS, self._pause)
            step.outcome = f"ready on port {self._settings.port}"

    def _ready(self) -> bool:
        connection = http.client.HTTPConnection(reachable_host(self._settings.host), self._settings.port, timeout=5)
        try:
            connection.request("GET", "/readyz")
            return connection.getresponse().status == http.HTTPStatus.OK
        except (OSError, http.client.HTTPException):
            return False
        finally:
            connection.close()

    def _keep(self, child: Child | None, ending: contextlib.ExitStack) -> None:
        """Watch over a child, and end it when its turn comes."""
        if child is not None:
            self._children.append(child)
            ending.callback(self._end, child)

    def _end(self, child: Child) -> None:
        if child.running:
            with self._terminal.step(f"Ending {child.program.name}", shared=child.program.log is None) as step:
                step.outcome = describe(child.end())

    def _welcome(self) -> None:
        self._terminal.say(welcome(self._settings))

    def _watch(self) -> None:
        """Wait for the end of any part."""
        while True:
            for child in self._children:
                if not child.running:
                    where = "" if child.program.log else " Its log is above."
                    how = describe(child.status)
                    raise ProgramError(f"{child.program.name} ended by itself ({how}).{where}", child.program.log)
            self._pause(WATCH_SECONDS)


def welcome(settings: Settings) -> str:
    """Say where the shop is, and three things to try."""
    url = settings.url
    key = " -H 'x-api-key: YOUR_KEY'" if settings.keys_wanted else ""
    product = '{"id":1,"name":"Samsung TV","price":140}'
    return f"""
The shop is open: {url}

  curl {url}/data{key} -H 'Content-Type: application/json' -d '{product}'
  curl -i {url}/product/1
  curl {url}/products

{url}/status says how it is, {url}/openapi.json what it can do, {url}/metrics what it did.
Logs of the stores: {_short(settings.data)}. Ctrl-C ends everything; the data stays.
"""


def _short(path: Path) -> str:
    return f"{path.relative_to(ROOT)}/" if path.is_relative_to(ROOT) else f"{path}/"
