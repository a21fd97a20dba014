"""What Powertools' Tracer asks in the place of the X-Ray SDK's recorder, which takes a third of a second to import.

The Tracer takes any provider that has these methods. Where an app wants more (that libraries be watched, or a method of
the SDK's recorder), the SDK is imported then, and sees the same segments (`fargate.telemetry.xray.xray_sdk`).

What must hold: what is open is kept in the running context, apart for each request, and ends with it by itself.
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
"""Of an exception's, as many as the SDK keeps."""

opened: ContextVar[tuple[Any, ...]] = ContextVar("opened", default=())
"""The segment of the running request, and the subsegments that are open in it, the innermost last."""

_UNRECORDED = Segment("unrecorded", "", None, sampled=False)
"""Stands for every request that is not recorded, and for none."""


class Recorder(BaseProvider):
    """Records steps of the running request, where that is recorded. Thread-safe."""

    def __init__(self) -> None:
        self.make_sdk: Callable[[], Any] | None = None
        """Makes the SDK's recorder see what this one does; None: the SDK stays as it is."""

    def current_segment(self) -> Any:
        """Return the running request's segment, or one that keeps nothing."""
        return (opened.get() or (_UNRECORDED,))[0]

    def current_subsegment(self) -> Any:
        """Return the innermost open subsegment, or None; one that keeps nothing where the request is not recorded."""
        innermost = self.get_trace_entity()
        return innermost if hasattr(innermost, "parent_segment") or not innermost.sampled else None

    def get_trace_entity(self) -> Any:
        """Return the innermost of what is open, or a segment that keeps nothing."""
        return (opened.get() or (_UNRECORDED,))[-1]

    def is_sampled(self) -> bool:
        """Tell whether the running request is recorded."""
        return bool(self.get_trace_entity().sampled)

    def put_annotation(self, key: str, value: Any) -> None:
        """Annotate the innermost of what is open."""
        self.get_trace_entity().put_annotation(key, value)

    def put_metadata(self, key: str, value: Any, namespace: str = "default") -> None:
        """Keep a value with the innermost of what is open."""
        self.get_trace_entity().put_metadata(key, value, namespace)

    @contextlib.contextmanager
    def in_subsegment(self, name: str | None = None, **kwargs: Any) -> Iterator[Any]:
        """Take a step as a subsegment, whose `namespace` is "remote" where another is asked; keep what it raises."""
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
        """Take a step of a coroutine as a subsegment."""
        with self.in_subsegment(name, **kwargs) as subsegment:
            yield subsegment

    def patch(self, modules: Sequence[str]) -> None:
        """Have the SDK watch libraries."""
        from aws_xray_sdk.core import patch

        self._sdk()
        patch(modules)

    def patch_all(self) -> None:
        """Have the SDK watch all libraries that it knows."""
        from aws_xray_sdk.core import patch_all

        self._sdk()
        patch_all()

    def __getattr__(self, name: str) -> Any:
        """Leave to the SDK's recorder what this one does not know."""
        if name.startswith("_"):
            raise AttributeError(name)
        return getattr(self._sdk(), name)

    def _sdk(self) -> Any:
        from aws_xray_sdk.core import xray_recorder

        return self.make_sdk() if self.make_sdk else xray_recorder


recorder = Recorder()
"""The process's only one: a Tracer's provider is the next Tracer's too."""


def hand_to_tracer() -> None:
    """Every Tracer created from now on uses this recorder, unless the app has set a provider of its own."""
    powertools_tracer.set_default_provider(recorder)
