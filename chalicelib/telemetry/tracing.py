"""Adds subsegments and annotations to the current request's X-Ray segment, through Powertools' Tracer.

Lambda, or the adapter in a container, opens the segment. If the request is not sampled, these do nothing.
"""

import functools
from collections.abc import Awaitable, Callable
from typing import Any, TypeVar

from aws_lambda_powertools import Tracer

Answer = TypeVar("Answer")


@functools.cache
def _recorder() -> Any:
    """Return the Tracer's recorder. Made at first use, because the adapter must set the recorder before."""
    return Tracer(auto_patch=False).provider


def annotate(key: str, value: str | int) -> None:
    """Add an annotation, by which traces can be searched; `key` has letters, digits and underscores."""
    recorder = _recorder()
    if recorder.is_sampled():
        recorder.current_segment().put_annotation(key, value)


async def traced_async(store: str, operation: str, step: Callable[[], Awaitable[Answer]]) -> Answer:
    """Do as `traced` does for a step that an event loop awaits."""
    recorder = _recorder()
    if not recorder.is_sampled():
        return await step()
    with recorder.in_subsegment(store, namespace="remote") as subsegment:
        subsegment.put_annotation("operation", operation)
        return await step()


def traced(store: str, operation: str, step: Callable[[], Answer]) -> Answer:
    """Run a step that asks a store in a subsegment. An exception marks the subsegment as a fault."""
    recorder = _recorder()
    if not recorder.is_sampled():
        return step()
    with recorder.in_subsegment(store, namespace="remote") as subsegment:
        subsegment.put_annotation("operation", operation)
        return step()
