"""The two values that every door and the gateway exchange: a request read whole, and a response."""

from collections.abc import Sequence
from functools import lru_cache
from http import HTTPStatus
from typing import NamedTuple

from fargate.errors import BadRequest
from fargate.http.bounded_cache import remembered

Header = tuple[str, str]

HOP_BY_HOP = frozenset(
    {
        "Connection",
        "Keep-Alive",
        "Proxy-Authenticate",
        "Proxy-Authorization",
        "Proxy-Connection",
        "Te",
        "Trailer",
        "Transfer-Encoding",
        "Upgrade",
    }
)
"""Headers that belong to one connection and never reach the app or come from it (RFC 9110, section 7.6.1)."""


class HttpRequest(NamedTuple):
    """A request as it came over the wire, its body complete."""

    method: str
    path: str  # percent-encoded, as sent, without the query
    query: str  # as sent, without the question mark
    headers: Sequence[Header]  # names as `canonical` writes them, in the order received
    body: bytes
    peer: str  # address of the other end of the connection
    protocol: str  # "HTTP/1.1"
    local_port: int | None  # the port it came in by; None where there is no socket of ours


class HttpResponse(NamedTuple):
    """A response; Content-Length and what belongs to the connection is the door's to add."""

    status: int
    headers: list[Header]
    body: bytes


@remembered
def canonical(name: str) -> str:
    """Write a header's name in one way, whatever door it came through: `x-api-key` as `X-Api-Key`."""
    return "-".join(part.capitalize() for part in name.split("-"))


@remembered
def canonical_of_bytes(name: bytes) -> str:
    """Write a header's name as `canonical` does, as it came over the wire."""
    return canonical(name.decode("latin-1"))


@remembered
def lowered(name: str) -> str:
    """Write a header's name as HTTP/2 wants it."""
    return name.lower()


@remembered
def lowered_bytes(name: str) -> bytes:
    """Write it so as ASGI wants it."""
    return lowered(name).encode("latin-1")


def last_value(headers: Sequence[Header], name: str) -> str | None:
    """Return the last value of a header; `name` as `canonical` writes it."""
    value = None
    for each, text in headers:
        if each == name:
            value = text
    return value


def client_address(request: HttpRequest, trusted_proxies: int) -> str:
    """Return the client's address: the one that the outermost trusted proxy saw, never what a client claims."""
    if not trusted_proxies:
        return request.peer
    values = [value for name, value in request.headers if name == "X-Forwarded-For"]
    chain = [part.strip() for value in values for part in value.split(",")]
    return chain[-min(trusted_proxies, len(chain))] if chain else request.peer


def path_of(target: str) -> str:
    """Return the path of a request's target, which is a path or a whole URL (RFC 9112, section 3.2).

    Raises:
        BadRequest: it is neither.
    """
    if not target.startswith("/"):
        scheme, separator, rest = target.partition("://")
        if not separator or not scheme.isalpha():
            raise BadRequest
        target = "/" + rest.partition("/")[2] if "/" in rest.partition("?")[0] else "/"
    return target.partition("?")[0].partition("#")[0] if "?" in target or "#" in target else target


@lru_cache(maxsize=1024)
def status_line(status: int) -> str:
    """Return a status with its reason phrase: `404 Not Found`."""
    try:
        return f"{status} {HTTPStatus(status).phrase}"
    except ValueError:
        return f"{status} Unknown"


def has_no_body(status: int, method: str) -> bool:
    """Tell whether a response must come without a body (RFC 9110, section 6.4.1)."""
    return method == "HEAD" or status in (204, 304) or status < 200
