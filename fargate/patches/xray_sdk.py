"""The X-Ray SDK's recorder sees the segments that the adapter opens, and adds to them.

Replaces the recorder's context and emitter, closes the emitter's socket (`_socket`), and changes Tracer's
`_disable_xray_trace_batching`. The SDK keeps open segments per thread, samples by itself and sends by itself; here the
adapter does all three.

Import this only after the app has imported the SDK: it imports botocore and creates clients.

Drop when no app uses the SDK: AWS supports it until 2027-02-25.
"""

import functools
from contextvars import ContextVar
from typing import Any, Protocol

import aws_xray_sdk
from aws_lambda_powertools import Tracer
from aws_xray_sdk.core import xray_recorder
from aws_xray_sdk.core.context import Context
from aws_xray_sdk.core.emitters.udp_emitter import UDPEmitter
from aws_xray_sdk.core.models.dummy_entities import DummySegment

Opened = ContextVar[tuple[Any, ...]]
"""The open segment and its open subsegments, the innermost last."""


class Emitter(Protocol):
    """Sends segments to the daemon."""

    def send_entity(self, entity: Any) -> None:
        """Send one segment."""


@functools.cache
def shared_recorder(service: str, emitter: Emitter, opened: Opened) -> Any:
    """Return the SDK's recorder, configured to keep open segments in `opened` and to send through `emitter`."""
    if type(xray_recorder.emitter) is UDPEmitter:
        xray_recorder.emitter._socket.close()  # the SDK opens it when it is imported
    tracer: Any = Tracer
    tracer._disable_xray_trace_batching = lambda self: None  # else the SDK sends each subsegment by itself
    aws_xray_sdk.global_sdk_config.set_sdk_enabled(True)  # a Tracer created outside Lambda has disabled it
    xray_recorder.configure(
        service=service,
        sampling=False,
        context=RequestContext(_NotRecorded(service), opened),
        emitter=emitter,
        streaming_threshold=1000,
    )
    return xray_recorder


class _NotRecorded(DummySegment):  # type: ignore[misc]
    """The one segment of all requests that are not recorded. It keeps nothing and never closes."""

    def add_subsegment(self, subsegment: Any) -> None:
        subsegment.parent_segment = self

    def increment(self) -> None:
        pass

    decrement_ref_counter = decrement_subsegments_size = increment

    def close(self, end_time: float | None = None) -> None:
        pass


class RequestContext(Context):  # type: ignore[misc]
    """The SDK's storage of open segments, over a context variable.

    If none is open, it returns a segment that keeps nothing: Tracer's decorators raise AttributeError for None.
    """

    def __init__(self, not_recorded: _NotRecorded, opened: Opened) -> None:
        super().__init__("IGNORE_ERROR")
        self._not_recorded = not_recorded
        self._opened = opened

    def get_trace_entity(self) -> Any:
        entities = self._opened.get()
        return entities[-1] if entities else self._not_recorded

    def set_trace_entity(self, trace_entity: Any) -> None:
        self._opened.set((trace_entity,))

    put_segment = set_trace_entity

    def put_subsegment(self, subsegment: Any) -> None:
        self.get_trace_entity().add_subsegment(subsegment)
        self._opened.set((*(self._opened.get() or (self._not_recorded,)), subsegment))

    def end_subsegment(self, end_time: float | None = None) -> bool:
        """End the innermost subsegment; return whether there was one."""
        entities = self._opened.get()
        if not entities or not self._is_subsegment(entities[-1]):
            return False
        entities[-1].close(end_time)
        self._opened.set(entities[:-1])
        return True

    def clear_trace_entities(self) -> None:
        self._opened.set(())
