"""What the gateway tells of each request: one line, one observation, and now and then one segment."""

import os
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from chalice.app import Chalice
from prometheus_client import CollectorRegistry

from fargate.http.identifiers import RequestIds
from fargate.http.messages import HttpRequest, HttpResponse
from fargate.settings import Settings
from fargate.telemetry.access_log import AccessLog, LineRate, drop_plain_handlers
from fargate.telemetry.formatter import make_powertools_safe
from fargate.telemetry.http_metrics import HttpMetrics, metrics_in
from fargate.telemetry.redaction import process_secrets
from fargate.telemetry.request_record import record_of
from fargate.telemetry.request_scope import RequestScope, current_scope, enter_scope
from fargate.telemetry.xray.recorder import hand_to_tracer
from fargate.telemetry.xray.segments import NoSegments, Sampling, Segments, XRaySegments

REGISTRY_ATTRIBUTE = "metrics_registry"
"""Where an app keeps the registry that its own /metrics shows; the adapter's metrics join it."""


class Telemetry(Protocol):
    """Told of requests. Thread-safe.

    `began` and `ended` run in the context of their request, with its handler between them; the others anywhere.
    """

    def records(self, trace_header: str | None) -> bool:
        """Decide whether a request is recorded as a trace segment."""

    def began(
        self,
        request: HttpRequest,
        ids: RequestIds,
        client: str,
        recorded: bool | None = None,
    ) -> None:
        """Take note of a request whose handler is about to be called.

        Args:
            request: as it came over the wire.
            ids: what it is called.
            client: address.
            recorded: what `records` has decided of it; None: decide now.
        """

    def ended(self, method: str, route: str | None, response: HttpResponse) -> None:
        """Tell what became of it; `route` is None where none of the app's fits."""

    def told(
        self, method: str, route: str | None, client: str, ids: RequestIds, response: HttpResponse, seconds: float
    ) -> None:
        """Tell of what was answered without a handler: ahead of it, or since it never was a request."""

    def queued(self, seconds: float) -> None:
        """Take note of how long a request waited for a thread."""


class NoTelemetry:
    """Tells nobody; only keeps what the app logs by itself apart for each request."""

    def __init__(self) -> None:
        make_powertools_safe()

    def records(self, trace_header: str | None) -> bool:
        """Record nothing."""
        return False

    def began(
        self,
        request: HttpRequest,
        ids: RequestIds,
        client: str,
        recorded: bool | None = None,
    ) -> None:
        """Begin the request's scope."""
        enter_scope(RequestScope(request, ids))

    def ended(self, method: str, route: str | None, response: HttpResponse) -> None:
        """Tell nobody."""

    def told(
        self, method: str, route: str | None, client: str, ids: RequestIds, response: HttpResponse, seconds: float
    ) -> None:
        """Tell nobody."""

    def queued(self, seconds: float) -> None:
        """Tell nobody."""


@dataclass(frozen=True, slots=True)
class RequestTelemetry:
    """Tells of each request in a line and in metrics, and of some in a trace segment."""

    access_log: AccessLog
    metrics: HttpMetrics
    segments: Segments
    clock: Callable[[], float] = time.perf_counter

    def records(self, trace_header: str | None) -> bool:
        """Ask whoever samples."""
        return self.segments.records(trace_header or "")

    def began(
        self,
        request: HttpRequest,
        ids: RequestIds,
        client: str,
        recorded: bool | None = None,
    ) -> None:
        """Begin the request's scope, and where it is recorded its segment."""
        self.metrics.began()
        scope = RequestScope(request, ids, client, self.clock())
        enter_scope(scope)
        scope.recorded = self.segments.records(ids.trace_header) if recorded is None else recorded
        if scope.recorded:
            self.segments.begin(request, ids)

    def ended(self, method: str, route: str | None, response: HttpResponse) -> None:
        """Tell everybody."""
        scope = current_scope()
        assert scope is not None  # noqa: S101  began() was called in this context
        exchange = record_of(method, route, response, self.clock() - scope.began, scope.client)
        if scope.recorded and scope.request is not None:
            self.segments.end(scope.request, exchange)
        self.metrics.ended(exchange, scope.ids.trace_id if scope.recorded else None)
        self.access_log.write(exchange, recorded=scope.recorded)

    def told(
        self, method: str, route: str | None, client: str, ids: RequestIds, response: HttpResponse, seconds: float
    ) -> None:
        """Tell in a line and in metrics."""
        exchange = record_of(method, route, response, seconds, client)
        self.metrics.count(exchange)
        self.access_log.write(exchange, ids)

    def queued(self, seconds: float) -> None:
        """Tell metrics."""
        self.metrics.queued(seconds)

    def finish(self) -> None:
        """Write the lines that wait: call it when the server has ended."""
        self.access_log.finish()


def telemetry_of(app: Chalice, settings: Settings) -> RequestTelemetry:
    """Build what tells of an app's requests, from the settings."""
    service = service_of(app, settings)
    drop_plain_handlers(app.log)
    rate = LineRate(
        settings.access_log_lines_per_second, settings.access_log_one_in, settings.access_log_slow_ms / 1000
    )
    access_log = AccessLog(service, settings.powertools_log_level, process_secrets(os.environ), rate)
    views = sum(map(len, app.routes.values()))
    return RequestTelemetry(access_log, metrics_in(registry_of(app), views), _segments(service, settings))


observer_of = telemetry_of
"""The name of `telemetry_of` until version 0.1; goes on to work."""


def service_of(app: Chalice, settings: Settings) -> str:
    """Return the name under which lines and segments stand."""
    return settings.powertools_service_name or app.app_name


def registry_of(app: Chalice) -> CollectorRegistry:
    """Return the registry that the app shows; where it shows none, one of the adapter's own."""
    registry = getattr(app, REGISTRY_ATTRIBUTE, None)
    if not isinstance(registry, CollectorRegistry):
        registry = CollectorRegistry()
        setattr(app, REGISTRY_ATTRIBUTE, registry)
    return registry


def _segments(service: str, settings: Settings) -> Segments:
    hand_to_tracer()
    if settings.powertools_trace_disabled:
        return NoSegments()
    return XRaySegments(service, settings.aws_xray_daemon_address, Sampling())
