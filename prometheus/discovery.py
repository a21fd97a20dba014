"""Tells Prometheus of every task, as its HTTP service discovery asks: Cloud Map's instances, by AWS' API.

DNS names eight instances at most, the API call DiscoverInstances all of them. What must hold: a list that is not known
to be whole is never answered. Prometheus goes on with the list it has when it gets an error instead.

    AWS_REGION            where both are
    DISCOVERY_NAMESPACE   the namespace in Cloud Map, such as dev-chalice-app.internal
    DISCOVERY_SERVICE     the service in it, such as app
    TARGET_PORT           the port of each task that has metrics; 3000
    DISCOVERY_PORT        the port of 127.0.0.1 to listen on; 9099

GET /targets is the list, GET /metrics says how the looking up goes. Credentials come from where every AWS client finds
them: in a task, from its role.
"""

import json
import os
import signal
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any

import botocore.exceptions  # type: ignore[import-untyped]
import botocore.session  # type: ignore[import-untyped]
from botocore.config import Config  # type: ignore[import-untyped]

LOOPBACK = "127.0.0.1"
MOST = 1000  # as many instances as a service can have in Cloud Map, and as many as one answer can hold

# Prometheus waits as long as its refresh_interval, 10 s: both attempts fit in.
PATIENCE = Config(
    connect_timeout=1,
    read_timeout=3,
    retries={"mode": "standard", "total_max_attempts": 2},
    user_agent_extra="chalice-app-discovery",
)

METRICS = """\
# HELP discovery_tasks Tasks that Cloud Map named at the last successful look-up.
# TYPE discovery_tasks gauge
discovery_tasks {tasks}
# HELP discovery_failures_total Look-ups that failed.
# TYPE discovery_failures_total counter
discovery_failures_total {failures}
# HELP discovery_last_success_timestamp_seconds When a look-up succeeded last; 0: never.
# TYPE discovery_last_success_timestamp_seconds gauge
discovery_last_success_timestamp_seconds {last_success}
"""


class DiscoveryError(Exception):
    """Cloud Map cannot be asked, or its answer cannot be used; the message says why."""


@dataclass(frozen=True, slots=True)
class Settings:
    """What to look for, and where to answer."""

    region: str
    namespace: str
    service: str
    target_port: int
    port: int


def read_settings(environ: Mapping[str, str]) -> Settings:
    """Read the settings.

    Raises:
        ValueError: one is missing or wrong; the message names it.
    """
    for name in ("AWS_REGION", "DISCOVERY_NAMESPACE", "DISCOVERY_SERVICE"):
        if not environ.get(name):
            raise ValueError(f"{name} is missing")
    return Settings(
        region=environ["AWS_REGION"],
        namespace=environ["DISCOVERY_NAMESPACE"],
        service=environ["DISCOVERY_SERVICE"],
        target_port=_port(environ, "TARGET_PORT", "3000"),
        port=_port(environ, "DISCOVERY_PORT", "9099"),
    )


def _port(environ: Mapping[str, str], name: str, default: str) -> int:
    value = environ.get(name) or default
    if not value.isdecimal() or not 0 < int(value) < 65536:
        raise ValueError(f"{name} is '{value}', not a port")
    return int(value)


class Tasks:
    """The tasks that Cloud Map knows, and how often it could be asked."""

    def __init__(self, cloud_map: Any, settings: Settings, clock: Callable[[], float] = time.time) -> None:
        self._cloud_map = cloud_map
        self._settings = settings
        self._clock = clock
        self._count = self._failures = 0
        self._last_success = 0.0

    def look_up(self) -> list[str]:
        """Return every task as host:port, also those that are not healthy: they are the ones to look at.

        Raises:
            DiscoveryError: the list cannot be had.
        """
        try:
            targets = self._ask()
        except (botocore.exceptions.BotoCoreError, botocore.exceptions.ClientError) as fault:
            self._failures += 1
            raise DiscoveryError(f"Cloud Map cannot be asked: {fault}") from fault
        self._count, self._last_success = len(targets), self._clock()
        return targets

    def metrics(self) -> str:
        """Return the metrics of the looking up."""
        return METRICS.format(tasks=self._count, failures=self._failures, last_success=self._last_success)

    def _ask(self) -> list[str]:
        found = self._cloud_map.discover_instances(
            NamespaceName=self._settings.namespace,
            ServiceName=self._settings.service,
            HealthStatus="ALL",
            MaxResults=MOST,
        )
        addresses = (each["Attributes"].get("AWS_INSTANCE_IPV4") for each in found["Instances"])
        return sorted(f"{address}:{self._settings.target_port}" for address in addresses if address)


class Server(HTTPServer):
    """Answers Prometheus, one request at a time."""

    def __init__(self, port: int, tasks: Tasks) -> None:
        super().__init__((LOOPBACK, port), Handler)
        self.tasks = tasks


class Handler(BaseHTTPRequestHandler):
    """One request."""

    server: Server
    timeout = 5  # of one connection, since the next one waits for it

    def do_GET(self) -> None:
        """Answer it."""
        if self.path == "/targets":
            self._answer_targets()
        elif self.path == "/metrics":
            self._answer(HTTPStatus.OK, "text/plain; version=0.0.4", self.server.tasks.metrics())
        else:
            self._answer(HTTPStatus.NOT_FOUND, "text/plain", "There are /targets and /metrics.\n")

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002  # the name that http.server gives
        """Say nothing of each request: there is one every few seconds."""

    def _answer_targets(self) -> None:
        try:
            targets = self.server.tasks.look_up()
        except DiscoveryError as fault:
            say(str(fault))
            self._answer(HTTPStatus.SERVICE_UNAVAILABLE, "text/plain", f"{fault}\n")
        else:
            self._answer(HTTPStatus.OK, "application/json", json.dumps([{"targets": targets}]))

    def _answer(self, status: HTTPStatus, content_type: str, text: str) -> None:
        body = text.encode()
        self.send_response(status)
        self.send_header("Content-Type", content_type)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


def say(sentence: str) -> None:
    """Write a line to the container's log."""
    sys.stderr.write(f"discovery: {sentence}\n")


def main(environ: Mapping[str, str]) -> int:
    """Answer until SIGTERM; return the exit status."""
    try:
        settings = read_settings(environ)
    except ValueError as fault:
        say(str(fault))
        return 2
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    session = botocore.session.get_session()
    cloud_map = session.create_client("servicediscovery", region_name=settings.region, config=PATIENCE)
    with Server(settings.port, Tasks(cloud_map, settings)) as server:
        say(f"http://{LOOPBACK}:{settings.port}/targets lists {settings.service} in {settings.namespace}")
        server.serve_forever()
    return 0


if __name__ == "__main__":
    sys.exit(main(os.environ))
