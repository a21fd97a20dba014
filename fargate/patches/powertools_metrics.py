"""Powertools' Metrics keeps the metrics and dimensions of each request apart.

Changes `metric_set`, `dimension_set`, `dimension_sets`, `metadata_set` and `__init__` of `AmazonCloudWatchEMFProvider`.
Powertools keeps them in dictionaries that all requests share, and writes and empties them when a handler ends. That is
right on Lambda, which serves one request at a time. In a server with threads, a request's metrics are written with the
dimensions of another.

Drop when Metrics keeps them in context variables.
"""

import functools
from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Any, Protocol

from aws_lambda_powertools.metrics.provider.cloudwatch_emf.cloudwatch import AmazonCloudWatchEMFProvider

_OF_A_REQUEST = ("metric_set", "dimension_set", "dimension_sets", "metadata_set")

Shared = dict[str, Any] | list[Any]


class Scope(Protocol):
    """What belongs to one request."""

    metric_sets: dict[int, tuple[Shared, Shared]]
    """What all requests share and the request's own, by the id of the first; unset until it is needed."""


CurrentScope = Callable[[], Scope | None]
"""Returns the scope of the request being served, or None outside a request."""


class _OfARequest:
    """A data descriptor: each request gets its own copy of a dictionary or list.

    Several objects may share one: every `Metrics` of a process does.
    """

    def __init__(self, name: str, current_scope: CurrentScope) -> None:
        self._name = name
        self._current_scope = current_scope

    def __get__(self, provider: Any, owner: type | None = None) -> Any:
        if provider is None:
            return self
        shared: Shared = vars(provider)[self._name]
        scope = self._current_scope()
        if scope is None:
            return shared
        if not hasattr(scope, "metric_sets"):
            scope.metric_sets = {}
        found = scope.metric_sets.get(id(shared))
        if found is None:
            found = scope.metric_sets[id(shared)] = (shared, self._copied(shared))
        return found[1]

    def __set__(self, provider: Any, shared: Shared) -> None:
        vars(provider)[self._name] = shared

    def _copied(self, shared: Shared) -> Shared:
        """Return a request's copy; metrics from outside of requests are written by the first request alone."""
        copied = shared.copy()
        if self._name == "metric_set":
            shared.clear()
        return copied


def keep_requests_apart(current_scope: CurrentScope, no_scope: Callable[[], AbstractContextManager[None]]) -> None:
    """Give every request its own metrics, also in objects that exist already. Calling it again changes nothing.

    Args:
        current_scope: see `CurrentScope`.
        no_scope: a context manager; `current_scope` returns None inside it.
    """
    provider: Any = AmazonCloudWatchEMFProvider
    if isinstance(vars(provider).get("metric_set"), _OfARequest):
        return
    for name in _OF_A_REQUEST:
        setattr(provider, name, _OfARequest(name, current_scope))
    construct = provider.__init__

    @functools.wraps(construct)
    def constructed(self: Any, *arguments: Any, **options: Any) -> None:
        with no_scope():  # what a handler creates keeps its default dimensions for later requests
            construct(self, *arguments, **options)

    provider.__init__ = constructed
