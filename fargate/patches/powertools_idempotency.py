"""Powertools' idempotency keeps the functions that run at the same time apart.

Changes `function_name` of `BasePersistenceLayer`. It is part of the key of each record, and each call of an idempotent
function sets it on the layer, which functions share. That is right on Lambda, which has one call at a time. In a server
with threads, a call ends with another function's name: its own record stays, and refuses each repetition for an hour.

Drop when it is part of the call.
"""

import sys
from collections.abc import Callable
from typing import Any, Protocol

_MODULE = "aws_lambda_powertools.utilities.idempotency.persistence.base"
_NAME = "function_name"


class Scope(Protocol):
    """What belongs to one call of a handler."""

    function_names: dict[int, tuple[Any, str]]
    """A layer and the name that the call has set, by the id of the first; unset until it is needed."""


class _OfACall:
    """A data descriptor: each call has its own value; outside calls it is the object's."""

    def __init__(self, current_scope: Callable[[], Scope | None]) -> None:
        self._current_scope = current_scope

    def __get__(self, layer: Any, owner: type | None = None) -> Any:
        if layer is None:
            return self
        names = getattr(self._current_scope(), "function_names", {})
        return names.get(id(layer), (layer, vars(layer).get(_NAME, "")))[1]

    def __set__(self, layer: Any, name: str) -> None:
        scope = self._current_scope()
        if scope is None:
            vars(layer)[_NAME] = name
            return
        if not hasattr(scope, "function_names"):
            scope.function_names = {}
        scope.function_names[id(layer)] = layer, name


def keep_calls_apart(current_scope: Callable[[], Scope | None]) -> None:
    """Give each call its own name, also in layers that exist. Calling it again changes nothing.

    Call it after the app's import: it does nothing for an app that has not imported idempotency, which imports boto3.

    Args:
        current_scope: returns the scope of the running call, or None outside a call.
    """
    module: Any = sys.modules.get(_MODULE)
    if module is not None and not isinstance(vars(module.BasePersistenceLayer).get(_NAME), _OfACall):
        module.BasePersistenceLayer.function_name = _OfACall(current_scope)
