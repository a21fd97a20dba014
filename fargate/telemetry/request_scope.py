"""The request being served, for code that writes a log line or a trace.

What must hold: a scope does not outlive its request and is not visible to another. Each request runs in its own context
(`fargate.gateway.core`), so the context variable needs no reset.
"""

import contextlib
import threading
from collections.abc import Iterator
from contextvars import ContextVar
from typing import Any

from fargate.http.identifiers import RequestIds
from fargate.http.messages import HttpRequest


class RequestScope:
    """One request, its ids, and the keys that its handler has appended to log lines.

    `request` is None if the bytes received are no request.
    """

    __slots__ = (
        "_open",
        "began",
        "client",
        "function_names",
        "ids",
        "log_keys",
        "metric_sets",
        "processors",
        "recorded",
        "request",
    )

    metric_sets: dict[int, Any]  # of Powertools' Metrics; unset until a handler adds a metric
    function_names: dict[int, Any]  # of Powertools' idempotency; unset until a handler calls such a function
    processors: dict[int, Any]  # of Powertools' batches; unset until a handler processes one

    def __init__(self, request: HttpRequest | None, ids: RequestIds, client: str = "") -> None:
        self.request = request
        self.ids = ids
        self.client = client  # address
        self.began = 0.0  # on the clock of the telemetry
        self.recorded = False  # as a trace segment
        self.log_keys: dict[int, dict[str, Any]] = {}  # by the formatter's id
        self._open = threading.Lock()

    def close(self) -> bool:
        """Return True the first time: a handler may end while the event loop gives its request up."""
        return self._open.acquire(blocking=False)


_current: ContextVar[RequestScope | None] = ContextVar("request", default=None)

current_scope = _current.get
"""Return the scope of the request being served, or None outside of one."""


@contextlib.contextmanager
def no_scope() -> Iterator[None]:
    """`current_scope` returns None while the block runs."""
    token = _current.set(None)
    try:
        yield
    finally:
        _current.reset(token)


enter_scope = _current.set
"""Make a scope the current one for the rest of this context."""
