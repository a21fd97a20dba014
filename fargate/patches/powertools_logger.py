"""Powertools' Logger keeps the keys and the trace id of each request apart.

Changes `log_format`, `__init__` and `_get_latest_trace_id` of `LambdaPowertoolsFormatter`. Powertools keeps the keys of
a logger in one dictionary and reads the trace id from an environment variable. That is right on Lambda, which serves
one request at a time. In a server with threads, one user's keys appear on another user's lines.

Drop when `append_keys` keeps its keys in a context variable.
"""

import functools
from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Any, Protocol

from aws_lambda_powertools.logging.formatter import LambdaPowertoolsFormatter

from fargate.http.identifiers import RequestIds


class Scope(Protocol):
    """What belongs to one request."""

    ids: RequestIds
    log_keys: dict[int, dict[str, Any]]
    """A formatter's keys, by the formatter's id."""


CurrentScope = Callable[[], Scope | None]
"""Returns the scope of the request being served, or None outside a request."""


class _RequestLocalKeys:
    """A data descriptor: each request gets its own copy of a formatter's dictionary of keys."""

    def __init__(self, current_scope: CurrentScope) -> None:
        self._current_scope = current_scope

    def __get__(self, formatter: Any, owner: type | None = None) -> Any:
        if formatter is None:
            return self
        own = vars(formatter)["log_format"]
        scope = self._current_scope()
        if scope is None:
            return own
        keys = scope.log_keys.get(id(formatter))
        if keys is None:
            keys = scope.log_keys[id(formatter)] = dict(own)
        return keys

    def __set__(self, formatter: Any, keys: dict[str, Any]) -> None:
        scope = self._current_scope()
        if scope is None:
            vars(formatter)["log_format"] = keys
        else:
            scope.log_keys[id(formatter)] = keys


def keep_requests_apart(current_scope: CurrentScope, no_scope: Callable[[], AbstractContextManager[None]]) -> None:
    """Give every Powertools formatter, existing ones included, keys per request. Calling it again changes nothing.

    Args:
        current_scope: see `CurrentScope`.
        no_scope: a context manager; `current_scope` returns None inside it.
    """
    formatter: Any = LambdaPowertoolsFormatter
    if isinstance(vars(formatter).get("log_format"), _RequestLocalKeys):
        return

    def trace_id(_formatter: LambdaPowertoolsFormatter) -> str | None:
        scope = current_scope()
        return scope.ids.trace_id if scope else None

    formatter.log_format = _RequestLocalKeys(current_scope)
    formatter.__init__ = _without_scope(formatter.__init__, no_scope)
    formatter._get_latest_trace_id = trace_id


def _without_scope(
    construct: Callable[..., None], no_scope: Callable[[], AbstractContextManager[None]]
) -> Callable[..., None]:
    """A formatter that a handler creates keeps its initial keys for later requests too."""

    @functools.wraps(construct)
    def constructed(formatter: Any, *arguments: Any, **options: Any) -> None:
        with no_scope():
            construct(formatter, *arguments, **options)

    return constructed
