"""Decides which requests and events are recorded as trace segments, and records them.

https://docs.aws.amazon.com/xray/latest/devguide/xray-api-segmentdocuments.html
"""

import os
import random
import re
import sys
import time
import traceback
from collections.abc import Callable
from typing import Any, Protocol

from fargate.http.identifiers import RequestIds
from fargate.http.messages import HttpRequest, last_value
from fargate.patches.powertools_tracer import enable_outside_lambda
from fargate.telemetry.request_record import EventRecord, RequestRecord
from fargate.telemetry.xray.emitter import emitter_to
from fargate.telemetry.xray.entities import Segment
from fargate.telemetry.xray.recorder import FRAMES, opened, recorder

SAMPLED_PART = 0.05
"""The part of requests that is recorded, after the first of each second: X-Ray's default sampling rule."""

MOST_SAMPLED = 10
"""The most requests recorded in a second. More segments cost CPU time and show nothing new."""

_PARENT = re.compile(r"(?:^|;)\s*Parent=([0-9a-f]{16})(?:;|\s*$)", re.IGNORECASE)
_SAMPLED = re.compile(r"(?:^|;)\s*Sampled=([01?])(?:;|\s*$)", re.IGNORECASE)
_SDK = "aws_xray_sdk.core"


class Segments(Protocol):
    """Records some requests, or none."""

    def records(self, trace_header: str) -> bool:
        """Decide whether a request is recorded. Call it once for each."""

    def begin(self, request: HttpRequest | None, ids: RequestIds) -> None:
        """Begin a recorded request, or the call of a handler for an event, in the current context."""

    def end(self, request: HttpRequest, record: RequestRecord) -> None:
        """End a recorded request, and send its segment."""

    def end_event(self, record: EventRecord) -> None:
        """End the recorded call of a handler, and send its segment."""


class NoSegments:
    """Records nothing."""

    def records(self, trace_header: str) -> bool:
        return False

    def begin(self, request: HttpRequest | None, ids: RequestIds) -> None:
        """No-op: no request is recorded."""

    def end(self, request: HttpRequest, record: RequestRecord) -> None:
        """No-op: no request is recorded."""

    def end_event(self, record: EventRecord) -> None:
        """No-op: no request is recorded."""


class Sampling:
    """Decides which requests are recorded. Thread-safe: a race records a second one in a second."""

    def __init__(
        self,
        part: float = SAMPLED_PART,
        clock: Callable[[], float] = time.monotonic,
        chance: Callable[[], float] = random.random,
    ) -> None:
        self._part = part
        self._clock = clock
        self._chance = chance
        self._second = float("-inf")  # when the current one began
        self._sampled = 0  # since then

    def decide(self, trace_header: str) -> bool:
        """Return the caller's decision. If there is none (a load balancer sends none), decide."""
        asked = _SAMPLED.search(trace_header) if ";" in trace_header else None
        if asked and asked[1] != "?":
            return asked[1] == "1"
        now = self._clock()
        if now - self._second >= 1:
            self._second, self._sampled = now, 1
            return True
        if self._sampled >= MOST_SAMPLED or self._chance() >= self._part:
            return False
        self._sampled += 1
        return True


class XRaySegments:
    """Records requests. Powertools' Tracer, and the X-Ray SDK if the app uses it, add to the segments in handlers.

    Args:
        service: the segments' name.
        daemon_address: host:port of an X-Ray daemon, or of an OpenTelemetry collector that receives its format.
        sampling: decides which requests are recorded.
    """

    def __init__(self, service: str, daemon_address: str, sampling: Sampling) -> None:
        self._service = service
        self._sampling = sampling
        self._emitter = emitter_to(daemon_address)
        self._origin = "AWS::ECS::Fargate" if "ECS_CONTAINER_METADATA_URI_V4" in os.environ else None
        enable_outside_lambda()
        recorder.make_sdk = self._sdk_recorder
        self._share_with_sdk()

    def records(self, trace_header: str) -> bool:
        self._share_with_sdk()
        return self._sampling.decide(trace_header)

    def begin(self, request: HttpRequest | None, ids: RequestIds) -> None:
        """Begin a segment in the caller's trace."""
        parent = _PARENT.search(ids.trace_header)
        segment = Segment(self._service, ids.trace_id, parent[1] if parent else None)
        if self._origin is not None:
            segment.facts["origin"] = self._origin
        if request is not None:
            _describe_request(segment, request)
        segment.put_annotation("request_id", ids.request_id)
        segment.put_annotation("correlation_id", ids.correlation_id)
        opened.set((segment,))

    def end(self, request: HttpRequest, record: RequestRecord) -> None:
        """Add the response to the segment and send it."""
        segment = recorder.current_segment()
        if not segment.sampled:  # the app has replaced it
            return
        segment.put_annotation("route", record.route)
        if record.cache is not None:
            segment.put_annotation("cache", record.cache)
        segment.put_http_meta("client_ip", record.client)
        segment.put_http_meta("status", record.status)
        segment.put_http_meta("content_length", record.length)
        self._send(segment)

    def end_event(self, record: EventRecord) -> None:
        """Add how the handler ended to the segment and send it."""
        segment = recorder.current_segment()
        if not segment.sampled:
            return
        segment.put_annotation("handler", record.name)
        segment.put_annotation("kind", record.kind)
        if record.error is not None:
            segment.add_exception(record.error, traceback.extract_tb(record.error.__traceback__, FRAMES))
        self._send(segment)

    def _send(self, segment: Segment) -> None:
        segment.close()
        opened.set(())
        self._emitter.send_entity(segment)

    def _share_with_sdk(self) -> None:
        """Configure the SDK, from the first request after the one in which the app imports it."""
        if _SDK in sys.modules:
            self._sdk_recorder()

    def _sdk_recorder(self) -> Any:
        from fargate.patches import xray_sdk

        return xray_sdk.shared_recorder(self._service, self._emitter, opened)


def _describe_request(segment: Segment, request: HttpRequest) -> None:
    """Describe the request, without the query, which may hold personal data."""
    host = last_value(request.headers, "Host") or "localhost"
    scheme = last_value(request.headers, "X-Forwarded-Proto") or request.scheme or "http"
    segment.put_http_meta("method", request.method)
    segment.put_http_meta("url", f"{scheme}://{host}{request.whole_path}")
    agent = last_value(request.headers, "User-Agent")
    if agent:
        segment.put_http_meta("user_agent", agent)
