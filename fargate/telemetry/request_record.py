"""A request and its response, or a handler's call for an event, as log lines, metrics and traces describe them."""

from typing import NamedTuple

from fargate.http.messages import HttpResponse

METHODS = frozenset({"DELETE", "GET", "HEAD", "OPTIONS", "PATCH", "POST", "PUT"})
OTHER_METHOD = "_OTHER"
UNMATCHED = "unmatched"
"""The route of a request that matches no route of the app."""


class RequestRecord(NamedTuple):
    """A request and its response."""

    method: str  # one of METHODS, or OTHER_METHOD: a client must not be able to add label values
    route: str  # the route's pattern, or UNMATCHED
    status: int
    seconds: float
    length: int  # bytes of the response's body
    client: str  # address
    cache: str | None  # the response's X-Cache


class EventRecord(NamedTuple):
    """A handler's call for an event, and how it ended."""

    kind: str  # the decorator
    name: str  # the handler's
    function_name: str  # on Lambda
    seconds: float
    error: BaseException | None  # what the handler raised, or why its result cannot be sent

    @property
    def outcome(self) -> str:
        """`success` or `error`."""
        return "success" if self.error is None else "error"


def record_of(method: str, route: str | None, response: HttpResponse, seconds: float, client: str) -> RequestRecord:
    """Return the record of a request and its response; `route` is None if none matches."""
    return RequestRecord(
        method if method in METHODS else OTHER_METHOD,
        route or UNMATCHED,
        response.status,
        seconds,
        0 if method == "HEAD" else len(response.body),
        client,
        _x_cache(response),
    )


def _x_cache(response: HttpResponse) -> str | None:
    for name, value in response.headers:
        if name == "X-Cache":
            return value
    return None
