"""What the gateway tells of each request: one line, one observation, and now and then one segment."""

import os
import time
from collections.abc import Callable
from dataclasses import dataclass

from chalice.app import Chalice
from prometheus_client import CollectorRegistry

from fargate.http import HttpRequest, HttpResponse
from fargate.identifiers import RequestIds
from fargate.settings import Settings
from fargate.telemetry.access_log import AccessLog, drop_plain_handlers
from fargate.telemetry.exchange import exchange_of
from fargate.telemetry.http_metrics import HttpMetrics, metrics_in
from fargate.telemetry.redaction import process_secrets
from fargate.telemetry.scope import RequestScope, enter_scope
from fargate.telemetry.segments import NoSegments, Sampling, Segments, XRaySegments

REGISTRY_ATTRIBUTE = "metrics_registry"
"""Where an app keeps the registry that its own /metrics shows; the adapter's metrics join it."""


class Observation:
    """One request while it is answered."""

    __slots__ = ("began", "client", "ids", "recorded", "request")

    def __init__(self, request: HttpRequest, ids: RequestIds, client: str, began: float, *, recorded: bool) -> None:
        self.request = request
        self.ids = ids
        self.client = client
        self.began = began
        self.recorded = recorded


@dataclass(frozen=True, slots=True)
class Telemetry:
    """Tells of requests. Thread-safe.

    `began` and `ended` run in the context of their request; `refused` and `queued` anywhere.
    """

    access_log: AccessLog
    metrics: HttpMetrics
    segments: Segments
    clock: Callable[[], float] = time.perf_counter

    def began(self, request: HttpRequest, ids: RequestIds, client: str) -> Observation:
        """Take note of a request that is about to be answered."""
        self.metrics.began()
        enter_scope(RequestScope(request, ids))
        recorded = self.segments.begin(request, ids)
        return Observation(request, ids, client, self.clock(), recorded=recorded)

    def ended(self, observation: Observation, route: str | None, response: HttpResponse) -> None:
        """Tell what became of it."""
        seconds = self.clock() - observation.began
        request = observation.request
        exchange = exchange_of(request.method, route, response, seconds, observation.client)
        recorded = observation.recorded
        if recorded:
            self.segments.end(request, exchange)
        self.metrics.ended(exchange, observation.ids.trace_id if recorded else None)
        self.access_log.write(exchange)

    def refused(self, method: str, client: str, ids: RequestIds, response: HttpResponse) -> None:
        """Tell of what was answered without ever being a request: too long, or not to be understood."""
        enter_scope(RequestScope(None, ids))
        exchange = exchange_of(method, None, response, 0.0, client)
        self.metrics.count(exchange)
        self.access_log.write(exchange)

    def queued(self, seconds: float) -> None:
        """Tell how long a request waited for a thread."""
        self.metrics.queued(seconds)


def telemetry_of(app: Chalice, settings: Settings) -> Telemetry:
    """Build what tells of an app's requests, from the settings."""
    service = service_of(app, settings)
    access_log = AccessLog(service, settings.powertools_log_level, process_secrets(os.environ))
    drop_plain_handlers(app.log)
    views = sum(map(len, app.routes.values()))
    return Telemetry(access_log, metrics_in(registry_of(app), views), _segments(service, settings))


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
    if settings.powertools_trace_disabled:
        return NoSegments()
    return XRaySegments(service, settings.aws_xray_daemon_address, Sampling())
