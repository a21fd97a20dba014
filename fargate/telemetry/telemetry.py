"""Records each request: a log line, metrics, and for some a trace segment."""

import os
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from chalice.app import Chalice
from prometheus_client import CollectorRegistry

from fargate.http.messages import HttpResponse
from fargate.settings import Settings
from fargate.telemetry.access_log import AccessLog, line_rate_of
from fargate.telemetry.http_metrics import HttpMetrics, metrics_in
from fargate.telemetry.log_lines import make_powertools_safe
from fargate.telemetry.redaction import process_secrets
from fargate.telemetry.request_record import record_of
from fargate.telemetry.request_scope import RequestScope, enter_scope
from fargate.telemetry.xray.recorder import hand_to_tracer
from fargate.telemetry.xray.segments import NoSegments, Sampling, Segments, XRaySegments

REGISTRY_ATTRIBUTE = "metrics_registry"
"""The app's attribute with the registry of its /metrics; the adapter registers its metrics there."""


class Telemetry(Protocol):
    """Records requests. Thread-safe. `begin` and `end` run in the context of their request."""

    def begin(self, scope: RequestScope) -> None:
        """Record the arrival of a request, or of bytes that are none; make its scope the current one."""

    def end(self, scope: RequestScope, method: str, route: str | None, response: HttpResponse) -> None:
        """Record the response; `route` is None if no route of the app matches."""

    def queued(self, seconds: float) -> None:
        """Record how long a request waited for a thread."""


class NoTelemetry:
    """Records nothing; only keeps the log keys of requests apart."""

    def __init__(self) -> None:
        make_powertools_safe()

    def begin(self, scope: RequestScope) -> None:
        enter_scope(scope)

    def end(self, scope: RequestScope, method: str, route: str | None, response: HttpResponse) -> None: ...

    def queued(self, seconds: float) -> None: ...


@dataclass(frozen=True, slots=True)
class RequestTelemetry:
    """Records each request as a log line and in metrics, and some as a trace segment."""

    access_log: AccessLog
    metrics: HttpMetrics
    segments: Segments
    clock: Callable[[], float] = time.perf_counter

    def begin(self, scope: RequestScope) -> None:
        self.metrics.began()
        enter_scope(scope)
        scope.began = self.clock()
        request = scope.request
        if request is not None and self.segments.records(scope.ids.trace_header):
            scope.recorded = True
            self.segments.begin(request, scope.ids)

    def end(self, scope: RequestScope, method: str, route: str | None, response: HttpResponse) -> None:
        record = record_of(method, route, response, self.clock() - scope.began, scope.client)
        if scope.recorded and scope.request is not None:
            self.segments.end(scope.request, record)
        self.metrics.ended(record, scope.ids.trace_id if scope.recorded else None)
        self.access_log.write(record, recorded=scope.recorded)

    def queued(self, seconds: float) -> None:
        self.metrics.queued(seconds)

    def finish(self) -> None:
        """Write the waiting lines. Call it when the server has ended."""
        self.access_log.finish()


def telemetry_of(app: Chalice, settings: Settings) -> RequestTelemetry:
    """Build the telemetry of an app from the settings."""
    service = service_of(app, settings)
    rate = line_rate_of(settings)
    access_log = AccessLog(service, settings.powertools_log_level, process_secrets(os.environ), rate)
    access_log.adopt(app.log)
    return RequestTelemetry(access_log, metrics_in(registry_of(app), app.routes), segments_of(service, settings))


observer_of = telemetry_of
"""The name of `telemetry_of` until version 0.1; it still works."""


def service_of(app: Chalice, settings: Settings) -> str:
    """Return the name of the service on log lines and segments."""
    return settings.powertools_service_name or app.app_name


def registry_of(app: Chalice) -> CollectorRegistry:
    """Return the app's registry; if it has none, give it a new one."""
    registry = getattr(app, REGISTRY_ATTRIBUTE, None)
    if not isinstance(registry, CollectorRegistry):
        registry = CollectorRegistry()
        setattr(app, REGISTRY_ATTRIBUTE, registry)
    return registry


def segments_of(service: str, settings: Settings) -> Segments:
    """Return what records the segments of a service, or nothing if traces are disabled."""
    hand_to_tracer()
    if settings.powertools_trace_disabled:
        return NoSegments()
    return XRaySegments(service, settings.aws_xray_daemon_address, Sampling())
