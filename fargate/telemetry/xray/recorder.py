"""The provider of Powertools' Tracer, instead of the X-Ray SDK's recorder, whose import takes a third of a second.

If an app calls anything else of the SDK's recorder, the SDK is imported then, and sees the same segments
(`fargate.patches.xray_sdk`).

What must hold: open segments are kept in the running context, so each request has its own, and they end with it.
"""

import contextlib
import traceback
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextvars import ContextVar
from typing import Any

from aws_lambda_powertools.tracing.base import BaseProvider

from fargate.patches import powertools_tracer
from fargate.telemetry.xray.entities import Segment, Subsegment

FRAMES = 10
"""Stack frames kept of an exception; the SDK keeps as many."""

opened: ContextVar[tuple[Any, ...]] = ContextVar("opened", default=())
"""The running request's segment and its open subsegments, the innermost last."""

_UNRECORDED = Segment("unrecorded", "", None, sampled=False)
"""Used for requests that are not recorded, and outside requests."""


class Recorder(BaseProvider):
    """Records steps of the running request, if the request is recorded. Thread-safe."""

    def __init__(self) -> None:
        self.make_sdk: Callable[[], Any] | None = None
        """Returns the SDK's recorder, configured to see the same segments; None: the SDK is not configured."""

    def current_segment(self) -> Any:
        """Return the running request's segment, or one that keeps nothing if the request is not recorded."""
        return (opened.get() or (_UNRECORDED,))[0]

    def current_subsegment(self) -> Any:
        """Return the innermost open subsegment or None; one that keeps nothing if the request is not recorded."""
        innermost = self.get_trace_entity()
        return innermost if hasattr(innermost, "parent_segment") or not innermost.sampled else None

    def get_trace_entity(self) -> Any:
        """Return the innermost open segment or subsegment, or one that keeps nothing."""
        return (opened.get() or (_UNRECORDED,))[-1]

    def is_sampled(self) -> bool:
        return bool(self.get_trace_entity().sampled)

    def put_annotation(self, key: str, value: Any) -> None:
        self.get_trace_entity().put_annotation(key, value)

    def put_metadata(self, key: str, value: Any, namespace: str = "default") -> None:
        self.get_trace_entity().put_metadata(key, value, namespace)

    @contextlib.contextmanager
    def in_subsegment(self, name: str | None = None, **kwargs: Any) -> Iterator[Any]:
        """Record the block as a subsegment, with its exception. `namespace` is "remote" for a call of a service."""
        if not self.is_sampled():
            yield _UNRECORDED
            return
        outer = opened.get()
        subsegment = Subsegment(name or "", kwargs.get("namespace", "local"), outer[-1])
        opened.set((*outer, subsegment))
        try:
            yield subsegment
        except BaseException as error:
            frames = traceback.extract_tb(error.__traceback__, FRAMES)
            subsegment.add_exception(error, [frame for frame in frames if frame.filename != __file__])
            raise
        finally:
            subsegment.close()
            opened.set(outer)

    @contextlib.asynccontextmanager
    async def in_subsegment_async(self, name: str | None = None, **kwargs: Any) -> AsyncIterator[Any]:
        with self.in_subsegment(name, **kwargs) as subsegment:
            yield subsegment

    def patch(self, modules: Sequence[str]) -> None:
        """Have the SDK trace calls of libraries."""
        from aws_xray_sdk.core import patch

        self._sdk()
        patch(modules)

    def patch_all(self) -> None:
        """Have the SDK trace calls of all libraries that it knows."""
        from aws_xray_sdk.core import patch_all

        self._sdk()
        patch_all()

    def __getattr__(self, name: str) -> Any:
        """Return an attribute of the SDK's recorder that this one lacks."""
        if name.startswith("_"):
            raise AttributeError(name)
        return getattr(self._sdk(), name)

    def _sdk(self) -> Any:
        from aws_xray_sdk.core import xray_recorder

        return self.make_sdk() if self.make_sdk else xray_recorder


recorder = Recorder()
"""The process's only recorder: all Tracers share one provider."""


def hand_to_tracer() -> None:
    """Every Tracer created from now on records, with this recorder unless the app has set a provider of its own.

    Call it before the app is imported: a Tracer settles at its creation whether it records.
    """
    powertools_tracer.set_default_provider(recorder)
    powertools_tracer.enable_outside_lambda()
    powertools_tracer.keep_responses_out()
