"""Chalice keeps `current_request` and `lambda_context` of each request apart.

Turns the two attributes of the app object into context variables. On the app object they are right on Lambda, which
serves one request at a time. In a server with threads, one user's request is visible to another.

Drop when Chalice keeps them in context variables.
"""

import inspect
from contextvars import ContextVar
from typing import Any, cast

from chalice.app import Chalice

_PER_REQUEST = ("current_request", "lambda_context")
_UNSET = object()


class _ContextAttribute:
    """A data descriptor that keeps an attribute's value in the running context instead of on the object.

    Outside a request it is what it was on the object, as without the descriptor; Chalice itself sets nothing there.
    """

    def __init__(self, name: str, outside: object) -> None:
        self._name = name
        self._outside = outside
        self._value: ContextVar[Any] = ContextVar(name)

    def __get__(self, instance: object | None, owner: type | None = None) -> Any:
        if instance is None:
            return self
        value = self._value.get(self._outside)
        if value is _UNSET:
            raise AttributeError(f"{self._name} exists only while a request is served")
        return value

    def __set__(self, instance: object, value: object) -> None:
        self._value.set(value)


def isolate(app: Chalice) -> None:
    """Give the app per-request `current_request` and `lambda_context`. Calling it again changes nothing.

    The app object stays the same and gets a subclass of its class, so handlers, middleware and blueprints need no
    change. A thread that a handler starts sees the two only if it is started in a copy of the handler's context.
    """
    cls = type(app)
    if isinstance(vars(cls).get("current_request"), _ContextAttribute):
        return
    attributes = {name: _ContextAttribute(name, _outside(app, name)) for name in _PER_REQUEST}
    for name in _PER_REQUEST:
        vars(app).pop(name, None)
    app.__class__ = cast(type[Chalice], type(cls.__name__, (cls,), {"__doc__": cls.__doc__, **attributes}))


def _outside(app: Chalice, name: str) -> object:
    """Return what a subclass, or code that ran at the import, has set; properties do not count."""
    value = inspect.getattr_static(app, name, _UNSET)
    return _UNSET if isinstance(value, property) else value
