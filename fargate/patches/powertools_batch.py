"""Powertools' batch processors keep the batches of calls that run at the same time apart.

Changes `__call__` of `BasePartialProcessor`, and how its attributes are read. A processor keeps a batch, and which of
its records have failed, on itself, and an app makes one for all calls. That is right on Lambda, which has one call at a
time. In a consumer with threads, the next call empties the list of failures: those messages are then deleted.

Drop when processors keep them in context variables.
"""

import copy
import functools
from collections.abc import Callable
from typing import Any, Protocol

from aws_lambda_powertools.utilities.batch.base import BasePartialProcessor


class Scope(Protocol):
    """What belongs to one call of a handler."""

    processors: dict[int, tuple[Any, Any]]
    """A processor and the call's own copy of it, by the id of the first; unset until it is needed."""


def keep_calls_apart(current_scope: Callable[[], Scope | None]) -> None:
    """Give each call its own copy of a processor, also of those that exist. Calling it again changes nothing.

    Args:
        current_scope: returns the scope of the running call, or None outside a call.
    """
    processor: Any = BasePartialProcessor
    if "__getattribute__" in vars(processor):
        return
    begin = processor.__call__

    @functools.wraps(begin)
    def begin_apart(self: Any, *arguments: Any, **options: Any) -> Any:
        scope = current_scope()
        return begin(self if scope is None else _own_copy(self, scope), *arguments, **options)

    def read(self: Any, name: str) -> Any:
        copies = getattr(current_scope(), "processors", {})
        return object.__getattribute__(copies.get(id(self), (self, self))[1], name)

    processor.__call__ = begin_apart
    processor.__getattribute__ = read


def _own_copy(processor: Any, scope: Scope) -> Any:
    """Return a copy with lists of its own; until the call ends, it is read in place of the processor."""
    own = copy.copy(processor)
    vars(own).update({name: copy.copy(value) for name, value in vars(own).items() if isinstance(value, list | set)})
    if not hasattr(scope, "processors"):
        scope.processors = {}
    scope.processors[id(processor)] = processor, own
    return own
