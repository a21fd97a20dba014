"""The whole shop on one machine: it starts the stores, the migrations and the app, and ends them in reverse order."""

import contextlib
import signal
import sys
from http import HTTPStatus
from pathlib import Path

from local.lock import locked
from local.ports import http_status, require_free
from local.processes import Child, Program, describe, require_ready, run, watch
from local.servers.postgres import PostgresServer
from local.servers.redis import RedisServer
from local.servers.stale import end_stale
from local.settings import ROOT, Settings
from local.terminal import Terminal
from local.waiting import Pause

MIGRATE = (sys.executable, "-m", "chalicelib.migrate")
SERVE = (sys.executable, "-m", "fargate")
MIGRATION_SECONDS = 330.0  # it may wait for another migration
START_SECONDS = 60.0
DRAIN_SECONDS = 25.0


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
        """Run until an error ends it; end everything before raising the error.

        Raises:
            LocalError: it cannot start, or one of its programs has ended.
            StopRequested: a signal to stop has come (raised by `pause`).
        """
        with locked(self._settings.data), contextlib.ExitStack() as ending:
            self._end_stale()
            require_free(self._settings.host, self._settings.port)
            owner = self._start_postgres(ending) if self._settings.database_url is None else None
            database_url = self._settings.database_url or self._postgres.service_address().url
            redis_url = self._settings.redis_url or self._start_redis(ending)
            environ = self._settings.environ_of_app(database_url, redis_url)
            self._migrate({**environ, **self._settings.environ_of_owner(owner)})
            self._serve(environ, ending)
            self._terminal.say(welcome(self._settings))
            watch(self._children, self._pause)

    def _end_stale(self) -> None:
        """End the processes that a killed run has left."""
        app = end_stale(self._app_pid_file, ROOT, signal.SIGTERM, DRAIN_SECONDS, self._pause)
        for name, pid in (
            ("app", app),
            ("Redis", self._redis.end_stale()),
            ("PostgreSQL", self._postgres.end_stale()),
        ):
            if pid is not None:
                self._terminal.say(f"Ended the {name} left over from an earlier run (process {pid}).")

    def _start_postgres(self, ending: contextlib.ExitStack) -> str:
        """Start it, and return its owner's DATABASE_URL."""
        with self._terminal.step("PostgreSQL") as step:
            postgres = self._postgres.start()
            step.outcome = f"ready on port {self._postgres.port}"
        for folder in self._postgres.opened:
            self._terminal.say(f"Let group {folder.group()} pass through {folder}: PostgreSQL refuses to run as root.")
        self._keep(postgres, ending)
        return self._postgres.address.url

    def _start_redis(self, ending: contextlib.ExitStack) -> str:
        with self._terminal.step("Redis") as step:
            redis = self._redis.start()
            step.outcome = f"ready on port {self._redis.port}"
        self._keep(redis, ending)
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
        return http_status(self._settings.host, self._settings.port, "/readyz") == HTTPStatus.OK

    def _keep(self, child: Child, ending: contextlib.ExitStack) -> None:
        """Watch a child, and end it in its turn."""
        self._children.append(child)
        ending.callback(self._end, child)

    def _end(self, child: Child) -> None:
        if child.running:
            with self._terminal.step(f"Ending {child.program.name}", shared=child.program.log is None) as step:
                step.outcome = describe(child.end())


def welcome(settings: Settings) -> str:
    """Return where the shop is, and three requests to try."""
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
