"""Records each call of a handler for an event: a log line, and for some a trace segment."""

import os
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from chalice.app import Chalice

from fargate.settings import Settings
from fargate.telemetry.access_log import EVERY_LINE, AccessLog, LineRate
from fargate.telemetry.redaction import process_secrets
from fargate.telemetry.request_record import EventRecord
from fargate.telemetry.request_scope import RequestScope, enter_scope
from fargate.telemetry.telemetry import segments_of, service_of
from fargate.telemetry.xray.segments import Segments


@dataclass(frozen=True, slots=True)
class EventTelemetry:
    """Records calls. Thread-safe. `begin` and `end` run in the context of their call.

    Args:
        access_log: the service's: its lines have the keys that the handler has appended.
        segments: decides which calls are traced.
        clock: seconds, for durations.
    """

    access_log: AccessLog
    segments: Segments
    clock: Callable[[], float] = time.perf_counter

    def begin(self, scope: RequestScope) -> None:
        """Record that a call begins; make its scope the current one."""
        enter_scope(scope)
        scope.began = self.clock()
        if self.segments.records(scope.ids.trace_header):
            scope.recorded = True
            self.segments.begin(None, scope.ids)

    def end(
        self,
        scope: RequestScope,
        kind: str,
        name: str,
        function_name: str,
        error: BaseException | None,
        more: Mapping[str, Any],
    ) -> None:
        """Record how the call ended; `more` are fields for the line besides the usual ones."""
        record = EventRecord(kind, name, function_name, self.clock() - scope.began, error)
        if scope.recorded:
            self.segments.end_event(record)
        self.access_log.write_event(record, {**_fields(record), **more}, recorded=scope.recorded)


def _fields(record: EventRecord) -> dict[str, Any]:
    return {
        "kind": record.kind,
        "name": record.name,
        "function_name": record.function_name,
        "outcome": record.outcome,
        "duration_ms": round(record.seconds * 1000, 3),
    }


def event_telemetry_of(app: Chalice, settings: Settings, rate: LineRate = EVERY_LINE) -> EventTelemetry:
    """Build the telemetry of an app's handlers from the settings; `rate` says how many lines there are."""
    service = service_of(app, settings)
    access_log = AccessLog(service, settings.powertools_log_level, process_secrets(os.environ), rate)
    access_log.adopt(app.log)
    return EventTelemetry(access_log, segments_of(service, settings))
