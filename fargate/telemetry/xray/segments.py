"""A trace segment for each request that is recorded, and which are.

https://docs.aws.amazon.com/xray/latest/devguide/xray-api-segmentdocuments.html
"""

import os
import random
import re
import sys
import time
from collections.abc import Callable
from typing import Any, Protocol

from fargate.http.identifiers import RequestIds
from fargate.http.messages import HttpRequest, last_value
from fargate.patches.powertools_tracer import enable_outside_lambda
from fargate.telemetry.request_record import RequestRecord
from fargate.telemetry.xray.emitter import emitter_to
from fargate.telemetry.xray.entities import Segment
from fargate.telemetry.xray.recorder import opened, recorder

SAMPLED_PART = 0.05
"""Of the requests past the first of each second, where nobody before us has decided: X-Ray's own default rule."""

MOST_SAMPLED = 10
"""In a second, however many requests there are: past that, segments would cost more than they tell."""

_PARENT = re.compile(r"(?:^|;)\s*Parent=([0-9a-f]{16})(?:;|\s*$)", re.IGNORECASE)
_SAMPLED = re.compile(r"(?:^|;)\s*Sampled=([01?])(?:;|\s*$)", re.IGNORECASE)
_SDK = "aws_xray_sdk.core"


class Segments(Protocol):
    """Records requests, or some of them."""

    def records(self, trace_header: str) -> bool:
        """Decide whether a request is recorded; once for each."""

    def begin(self, request: HttpRequest, ids: RequestIds) -> None:
        """Begin a request that is recorded, in the current context."""

    def end(self, request: HttpRequest, exchange: RequestRecord) -> None:
        """End a request that is recorded, and send it."""


class NoSegments:
    """Records nothing."""

    def records(self, trace_header: str) -> bool:
        """Record nothing."""
        return False

    def begin(self, request: HttpRequest, ids: RequestIds) -> None:
        """Never called."""

    def end(self, request: HttpRequest, exchange: RequestRecord) -> None:
        """Never called."""


class Sampling:
    """Decides which requests are recorded. Thread-safe: at worst two are the first of a second."""

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
        """Keep to what the caller has decided; where it has not (a load balancer does not), decide."""
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
    """Records requests; Powertools' Tracer adds to them in handlers, and so does the X-Ray SDK in an app that has it.

    Args:
        service: the segments' name.
        daemon_address: host:port of an X-Ray daemon, or of an OpenTelemetry collector that plays one.
        sampling: which requests are recorded.
    """

    def __init__(self, service: str, daemon_address: str, sampling: Sampling) -> None:
        self._service = service
        self._sampling = sampling
        self._emitter = emitter_to(daemon_address)
        self._origin = "AWS::ECS::Fargate" if "ECS_CONTAINER_METADATA_URI_V4" in os.environ else None
        os.environ.setdefault("POWERTOOLS_TRACER_CAPTURE_RESPONSE", "false")  # answers are nobody's business
        enable_outside_lambda()
        recorder.make_sdk = self._sdk_recorder
        self._share_with_sdk()

    def records(self, trace_header: str) -> bool:
        """Decide as the caller did, else as the sampling does."""
        self._share_with_sdk()
        return self._sampling.decide(trace_header)

    def begin(self, request: HttpRequest, ids: RequestIds) -> None:
        """Begin a segment that continues the caller's trace."""
        parent = _PARENT.search(ids.trace_header)
        segment = Segment(self._service, ids.trace_id, parent[1] if parent else None)
        if self._origin is not None:
            segment.facts["origin"] = self._origin
        _describe_request(segment, request, ids)
        opened.set((segment,))

    def end(self, request: HttpRequest, exchange: RequestRecord) -> None:
        """Say what became of the request, and send the segment; nobody there to take it does no harm."""
        segment = recorder.current_segment()
        if not segment.sampled:  # the app has put another in its place
            return
        segment.put_annotation("route", exchange.route)
        if exchange.cache is not None:
            segment.put_annotation("cache", exchange.cache)
        segment.put_http_meta("client_ip", exchange.client)
        segment.put_http_meta("status", exchange.status)
        segment.put_http_meta("content_length", exchange.length)
        segment.close()
        opened.set(())
        self._emitter.send_entity(segment)

    def _share_with_sdk(self) -> None:
        """Have the SDK see what is recorded, from the request after the one in which the app imports it."""
        if _SDK in sys.modules:
            self._sdk_recorder()

    def _sdk_recorder(self) -> Any:
        from fargate.patches import xray_sdk

        return xray_sdk.shared_recorder(self._service, self._emitter, opened)


def _describe_request(segment: Segment, request: HttpRequest, ids: RequestIds) -> None:
    """Say what was asked: without the query, which may hold anything."""
    host = last_value(request.headers, "Host") or "localhost"
    scheme = last_value(request.headers, "X-Forwarded-Proto") or "http"
    segment.put_http_meta("method", request.method)
    segment.put_http_meta("url", f"{scheme}://{host}{request.path}")
    agent = last_value(request.headers, "User-Agent")
    if agent:
        segment.put_http_meta("user_agent", agent)
    segment.put_annotation("request_id", ids.request_id)
    segment.put_annotation("correlation_id", ids.correlation_id)
