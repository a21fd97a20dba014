"""The X-Ray SDK, in an app that uses it: its recorder sees the segments of `fargate.telemetry.xray.recorder`.

Nothing imports this before an app has asked for the SDK: with it comes botocore, which it makes clients with at once.
"""

import functools
from typing import Any

import aws_xray_sdk
from aws_lambda_powertools import Tracer
from aws_xray_sdk.core import xray_recorder
from aws_xray_sdk.core.context import Context
from aws_xray_sdk.core.emitters.udp_emitter import UDPEmitter
from aws_xray_sdk.core.models.dummy_entities import DummySegment

from fargate.telemetry.xray.emitter import Emitter
from fargate.telemetry.xray.recorder import opened


@functools.cache
def shared_recorder(service: str, emitter: Emitter) -> Any:
    """Return the SDK's recorder, which from now on keeps what is open where ours does."""
    if type(xray_recorder.emitter) is UDPEmitter:
        xray_recorder.emitter._socket.close()  # the one that it has made at its import
    _switch_on()
    xray_recorder.configure(
        service=service,
        sampling=False,
        context=RequestContext(_Unrecorded(service)),
        emitter=emitter,
        streaming_threshold=1000,
    )
    return xray_recorder


def _switch_on() -> None:
    """Undo what a Tracer does to the SDK where it is made outside Lambda.

    It also has each subsegment sent by itself, as Lambda's own segment wants it; here they go with their segment.
    """
    tracer: Any = Tracer
    tracer._disable_xray_trace_batching = lambda self: None
    aws_xray_sdk.global_sdk_config.set_sdk_enabled(True)


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


class RequestContext(Context):  # type: ignore[misc]
    """Where the SDK keeps what is open: in the running context, where our recorder does.

    Where nothing is, since a request is not recorded or there is none, one segment stands for all: what is hung on it
    is let go. (The Tracer's decorators raise AttributeError where there is no segment.)
    """

    def __init__(self, nobody: _Unrecorded) -> None:
        super().__init__("IGNORE_ERROR")
        self._nobody = nobody

    def get_trace_entity(self) -> Any:
        """Return the innermost of what is open."""
        entities = opened.get()
        return entities[-1] if entities else self._nobody

    def set_trace_entity(self, trace_entity: Any) -> None:
        """Go on in what another thread has open."""
        opened.set((trace_entity,))

    put_segment = set_trace_entity

    def put_subsegment(self, subsegment: Any) -> None:
        """Open a subsegment."""
        self.get_trace_entity().add_subsegment(subsegment)
        opened.set((*(opened.get() or (self._nobody,)), subsegment))

    def end_subsegment(self, end_time: float | None = None) -> bool:
        """End the innermost subsegment; return whether there was one."""
        entities = opened.get()
        if not entities or not self._is_subsegment(entities[-1]):
            return False
        entities[-1].close(end_time)
        opened.set(entities[:-1])
        return True

    def clear_trace_entities(self) -> None:
        """Forget what is open."""
        opened.set(())
