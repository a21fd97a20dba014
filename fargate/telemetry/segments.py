"""A trace segment for each request, behind one small interface: whoever replaces the X-Ray SDK writes one class.

https://docs.aws.amazon.com/xray/latest/devguide/xray-api-segmentdocuments.html
"""

import contextlib
import functools
import os
import random
import re
import time
from collections.abc import Callable
from contextvars import ContextVar
from typing import Any, Protocol

import aws_xray_sdk
from aws_lambda_powertools import Tracer
from aws_xray_sdk.core import xray_recorder
from aws_xray_sdk.core.context import Context
from aws_xray_sdk.core.emitters.udp_emitter import UDPEmitter
from aws_xray_sdk.core.models.dummy_entities import DummySegment
from aws_xray_sdk.core.models.segment import Segment

from fargate.http import HttpRequest, last_value
from fargate.identifiers import RequestIds
from fargate.telemetry.exchange import Exchange

SAMPLED_PART = 0.05
"""Of the requests past the first of each second, where nobody before us has decided: X-Ray's own default rule."""

MOST_SAMPLED = 10
"""In a second, however many requests there are: past that, segments would cost more than they tell."""

_PARENT = re.compile(r"(?:^|;)\s*Parent=([0-9a-f]{16})(?:;|\s*$)", re.IGNORECASE)
_SAMPLED = re.compile(r"(?:^|;)\s*Sampled=([01?])(?:;|\s*$)", re.IGNORECASE)
CLIENT_ERROR, THROTTLED, SERVER_ERROR = 400, 429, 500


class Segments(Protocol):
    """Records requests, or some of them."""

    def records(self, trace_header: str) -> bool:
        """Decide whether a request is recorded; once for each."""

    def begin(self, request: HttpRequest, ids: RequestIds) -> None:
        """Begin a request that is recorded, in the current context."""

    def end(self, request: HttpRequest, exchange: Exchange) -> None:
        """End a request that is recorded, and send it."""


class NoSegments:
    """Records nothing."""

    def records(self, trace_header: str) -> bool:
        """Record nothing."""
        return False

    def begin(self, request: HttpRequest, ids: RequestIds) -> None:
        """Never called."""

    def end(self, request: HttpRequest, exchange: Exchange) -> None:
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
    """Records requests with the X-Ray SDK's recorder, which Powertools' Tracer uses in handlers.

    Args:
        service: the segments' name.
        daemon_address: host:port of an X-Ray daemon, or of an OpenTelemetry collector that plays one.
        sampling: which requests are recorded.
    """

    def __init__(self, service: str, daemon_address: str, sampling: Sampling) -> None:
        self._service = service
        self._sampling = sampling
        self._origin = "AWS::ECS::Fargate" if "ECS_CONTAINER_METADATA_URI_V4" in os.environ else None
        switch_on()
        xray_recorder.configure(
            service=service,
            sampling=False,
            context=RequestContext(_Unrecorded(service)),
            emitter=emitter_to(daemon_address),
            streaming_threshold=1000,
        )

    def records(self, trace_header: str) -> bool:
        """Decide as the caller did, else as the sampling does."""
        return self._sampling.decide(trace_header)

    def begin(self, request: HttpRequest, ids: RequestIds) -> None:
        """Begin a segment that continues the caller's trace."""
        parent = _PARENT.search(ids.trace_header)
        segment = Segment(self._service, traceid=ids.trace_id, parent_id=parent[1] if parent else None)
        segment.origin = self._origin
        _describe_request(segment, request, ids)
        xray_recorder.context.put_segment(segment)

    def end(self, request: HttpRequest, exchange: Exchange) -> None:
        """Say what became of the request, and send the segment; nobody there to take it does no harm."""
        segment = xray_recorder.current_segment()
        segment.put_annotation("route", exchange.route)
        if exchange.cache is not None:
            segment.put_annotation("cache", exchange.cache)
        segment.put_http_meta("client_ip", exchange.client)
        segment.put_http_meta("status", exchange.status)
        segment.put_http_meta("content_length", exchange.length)
        if exchange.status >= SERVER_ERROR:
            segment.add_fault_flag()
        elif exchange.status >= CLIENT_ERROR:
            segment.add_error_flag()
            if exchange.status == THROTTLED:
                segment.add_throttle_flag()
        xray_recorder.end_segment()


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


class _Unrecorded(DummySegment):  # type: ignore[misc]
    """Stands for every request that is not recorded; keeps nothing of what is hung on it."""

    def add_subsegment(self, subsegment: Any) -> None:
        """Let it go."""
        subsegment.parent_segment = self

    def increment(self) -> None:
        """Count nothing."""

    def decrement_ref_counter(self) -> None:
        """Count nothing."""

    def decrement_subsegments_size(self) -> None:
        """Count nothing."""

    def close(self, end_time: float | None = None) -> None:
        """Stay open: others use it too."""


_entities: ContextVar[list[Any] | None] = ContextVar("xray_entities", default=None)


class _ContextStorage:
    """The SDK's thread-local storage, in the running context instead: it ends with its request by itself."""

    @property
    def entities(self) -> list[Any] | None:
        """The open segment and subsegments."""
        return _entities.get()

    @entities.setter
    def entities(self, entities: list[Any] | None) -> None:
        _entities.set(entities)


class RequestContext(Context):  # type: ignore[misc]
    """Where the SDK keeps what is open: apart for each request.

    Where nothing is, since a request is not recorded or there is none, one segment stands for all: what is hung on it
    is let go. (The Tracer's decorators raise AttributeError where there is no segment.)
    """

    def __init__(self, nobody: _Unrecorded) -> None:
        super().__init__("IGNORE_ERROR")
        self._local = _ContextStorage()
        self._nobody = nobody

    def get_trace_entity(self) -> Any:
        """Return the innermost of what is open."""
        entities = _entities.get()
        return entities[-1] if entities else self._nobody

    def put_subsegment(self, subsegment: Any) -> None:
        """Open a subsegment."""
        if not _entities.get():
            _entities.set([self._nobody])
        super().put_subsegment(subsegment)

    def clear_trace_entities(self) -> None:
        """Forget what is open."""
        self._local.entities = None


class QuietEmitter(UDPEmitter):  # type: ignore[misc]
    """Sends a segment, once; where that fails it is lost, and not worth a line."""

    def send_entity(self, entity: Any) -> None:
        """Send it."""
        with contextlib.suppress(OSError):
            self._send_data('{"format":"json","version":1}\n' + entity.serialize())


@functools.cache
def emitter_to(daemon_address: str) -> QuietEmitter:
    """Return the one emitter that sends there, in the place of the one that the SDK has made at its import."""
    if type(xray_recorder.emitter) is UDPEmitter:
        xray_recorder.emitter._socket.close()
    return QuietEmitter(daemon_address)


def switch_on() -> None:
    """Let Powertools' Tracer work outside Lambda: it switches itself, and the SDK, off for good where it is made.

    It also has each subsegment sent by itself, as Lambda's own segment wants it; here they go with their segment.
    """
    tracer: Any = Tracer
    tracer._disable_xray_trace_batching = lambda self: None
    tracer._is_tracer_disabled = staticmethod(lambda: False)
    tracer._config["disabled"] = False
    aws_xray_sdk.global_sdk_config.set_sdk_enabled(True)
    os.environ.setdefault("POWERTOOLS_TRACER_CAPTURE_RESPONSE", "false")  # answers are nobody's business
