"""Steps and facts of the request being served, for its X-Ray segment where it has one: through Powertools' Tracer.

What must hold: outside a recorded request nothing here costs more than a look. Whoever opens the segment is Lambda, or
the adapter in a container.
"""

import functools
from collections.abc import Awaitable, Callable
from typing import Any, TypeVar

from aws_lambda_powertools import Tracer

Answer = TypeVar("Answer")


@functools.cache
def _recorder() -> Any:
    """Return the recorder behind the Tracer; made when first asked, since the adapter must come before it."""
    return Tracer(auto_patch=False).provider


def annotate(key: str, value: str | int) -> None:
    """Make the request's trace findable by a fact; `key` has letters, digits and underscores."""
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
    """Take a step that asks a store, as a subsegment of its own; one that fails is marked as a fault."""
    recorder = _recorder()
    if not recorder.is_sampled():
        return step()
    with recorder.in_subsegment(store, namespace="remote") as subsegment:
        subsegment.put_annotation("operation", operation)
        return step()
