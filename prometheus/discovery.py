"""HTTP service discovery for Prometheus: lists every task that is registered in Cloud Map.

Cloud Map's DNS returns at most eight instances, its API call DiscoverInstances all of them. If the call fails, the
response is an error and never a partial list: Prometheus then keeps its previous list.

    AWS_REGION            region of Cloud Map
    DISCOVERY_NAMESPACE   namespace in Cloud Map, such as dev-chalice-app.internal
    DISCOVERY_SERVICE     service in that namespace, such as app
    TARGET_PORT           port of the tasks' metrics; 3000
    DISCOVERY_PORT        port to listen on, at 127.0.0.1; 9099

GET /targets returns the list, GET /metrics the metrics of this program. AWS credentials are found as by every AWS
client: in a task, from its role.
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
MAX_INSTANCES = 1000  # the limit of a Cloud Map service, and of one response

# Both attempts fit into Prometheus' refresh_interval of 10 s, its time limit for a request.
TIMEOUTS = Config(
    connect_timeout=1,
    read_timeout=3,
    retries={"mode": "standard", "total_max_attempts": 2},
    user_agent_extra="chalice-app-discovery",
)

METRICS = """\
# HELP discovery_tasks Tasks found by the last successful look-up.
# TYPE discovery_tasks gauge
discovery_tasks {tasks}
# HELP discovery_failures_total Look-ups that failed.
# TYPE discovery_failures_total counter
discovery_failures_total {failures}
# HELP discovery_last_success_timestamp_seconds Time of the last successful look-up; 0: never.
# TYPE discovery_last_success_timestamp_seconds gauge
discovery_last_success_timestamp_seconds {last_success}
"""


class DiscoveryError(Exception):
    """A look-up failed; the message says why."""


@dataclass(frozen=True, slots=True)
class Settings:
    """The service to look up, and the port to listen on."""

    region: str
    namespace: str
    service: str
    target_port: int
    port: int


def read_settings(environ: Mapping[str, str]) -> Settings:
    """Read the settings.

    Raises:
        ValueError: a setting is missing or invalid; the message names it.
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


class TaskRegistry:
    """Looks tasks up in Cloud Map, and counts the look-ups for the metrics."""

    def __init__(self, cloud_map: Any, settings: Settings, clock: Callable[[], float] = time.time) -> None:
        self._cloud_map = cloud_map
        self._settings = settings
        self._clock = clock
        self._count = self._failures = 0
        self._last_success = 0.0

    def look_up(self) -> list[str]:
        """Return every task as host:port, unhealthy ones too.

        Raises:
            DiscoveryError: Cloud Map did not return the list.
        """
        try:
            targets = self._discover()
        except (botocore.exceptions.BotoCoreError, botocore.exceptions.ClientError) as error:
            self._failures += 1
            raise DiscoveryError(f"The look-up in Cloud Map failed: {error}") from error
        self._count, self._last_success = len(targets), self._clock()
        return targets

    def metrics(self) -> str:
        """Return the metrics in Prometheus' text format."""
        return METRICS.format(tasks=self._count, failures=self._failures, last_success=self._last_success)

    def _discover(self) -> list[str]:
        found = self._cloud_map.discover_instances(
            NamespaceName=self._settings.namespace,
            ServiceName=self._settings.service,
            HealthStatus="ALL",
            MaxResults=MAX_INSTANCES,
        )
        addresses = (instance["Attributes"].get("AWS_INSTANCE_IPV4") for instance in found["Instances"])
        return sorted(f"{address}:{self._settings.target_port}" for address in addresses if address)


class Server(HTTPServer):
    """Serves Prometheus, one request at a time."""

    def __init__(self, port: int, registry: TaskRegistry) -> None:
        super().__init__((LOOPBACK, port), Handler)
        self.registry = registry


class Handler(BaseHTTPRequestHandler):
    """Handles one request."""

    server: Server
    timeout = 5  # seconds; the next connection waits for this one

    def do_GET(self) -> None:
        if self.path == "/targets":
            self._send_targets()
        elif self.path == "/metrics":
            self._send(HTTPStatus.OK, "text/plain; version=0.0.4", self.server.registry.metrics())
        else:
            self._send(HTTPStatus.NOT_FOUND, "text/plain", "There are /targets and /metrics.\n")

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002  # the name in http.server
        """Log no requests: Prometheus sends one every few seconds."""

    def _send_targets(self) -> None:
        try:
            targets = self.server.registry.look_up()
        except DiscoveryError as error:
            log(str(error))
            self._send(HTTPStatus.SERVICE_UNAVAILABLE, "text/plain", f"{error}\n")
        else:
            self._send(HTTPStatus.OK, "application/json", json.dumps([{"targets": targets}]))

    def _send(self, status: HTTPStatus, content_type: str, text: str) -> None:
        body = text.encode()
        self.send_response(status)
        self.send_header("Content-Type", content_type)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


def log(message: str) -> None:
    """Write a line to the container's log."""
    sys.stderr.write(f"discovery: {message}\n")


def main(environ: Mapping[str, str]) -> int:
    """Serve until SIGTERM; return the exit status."""
    try:
        settings = read_settings(environ)
    except ValueError as error:
        log(str(error))
        return 2
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    session = botocore.session.get_session()
    cloud_map = session.create_client("servicediscovery", region_name=settings.region, config=TIMEOUTS)
    with Server(settings.port, TaskRegistry(cloud_map, settings)) as server:
        log(f"http://{LOOPBACK}:{settings.port}/targets lists {settings.service} in {settings.namespace}")
        server.serve_forever()
    return 0


if __name__ == "__main__":
    sys.exit(main(os.environ))
