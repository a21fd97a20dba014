"""One request and its answer, in the words that log lines, metrics and traces share."""

from typing import NamedTuple

from fargate.http.messages import HttpResponse

METHODS = frozenset({"DELETE", "GET", "HEAD", "OPTIONS", "PATCH", "POST", "PUT"})
OTHER_METHOD = "_OTHER"
UNMATCHED = "unmatched"
"""The route of a request that no route of the app fits."""


class RequestRecord(NamedTuple):
    """What is told of an answered request."""

    method: str  # one of METHODS, or OTHER_METHOD: a client must not be able to make up values
    route: str  # the route's pattern, or UNMATCHED
    status: int
    seconds: float
    length: int  # bytes of the response's body
    client: str  # address
    cache: str | None  # what the app says in X-Cache


def record_of(method: str, route: str | None, response: HttpResponse, seconds: float, client: str) -> RequestRecord:
    """Describe an answered request."""
    return RequestRecord(
        method if method in METHODS else OTHER_METHOD,
        route or UNMATCHED,
        response.status,
        seconds,
        len(response.body),
        client,
        _x_cache(response),
    )


def _x_cache(response: HttpResponse) -> str | None:
    for name, value in response.headers:
        if name == "X-Cache":
            return value
    return None
