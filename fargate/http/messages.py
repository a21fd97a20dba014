"""Requests and responses as the adapters and the gateway exchange them, and the spelling of header names."""

import re
from collections.abc import Mapping, Sequence
from functools import lru_cache
from http import HTTPStatus
from typing import Any, NamedTuple

from fargate.errors import BadRequest
from fargate.http.bounded_cache import cached

Header = tuple[str, str]

SAFE_IN_PATH = "/:@!$&'()*+,;=-._~"
"""Characters that a path holds unencoded, beside letters and digits (RFC 3986, section 3.3)."""

MOST_ADDRESS = 64
"""The most characters of a client's address: IPv6 with a zone and a port. A client may send anything in its place."""

_URL = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*://([^/?#]*)")

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
"""Headers of one connection. They are not passed to the app or taken from it (RFC 9110, section 7.6.1)."""


class Invocation(NamedTuple):
    """What AWS says of a request that came by a Lambda function. A client can forge none of it."""

    request_context: Mapping[str, Any]  # as a REST API writes it; a load balancer says only who it is
    stage_variables: Mapping[str, str] | None
    context: Any  # as Lambda made it, or None

    @property
    def is_signed(self) -> bool:
        """Whether AWS verified an IAM signature, and let the signer pass."""
        identity = self.request_context.get("identity")
        return isinstance(identity, Mapping) and bool(identity.get("userArn"))


class HttpRequest(NamedTuple):
    """A request as received, with its whole body."""

    method: str
    path: str  # percent-encoded, as sent, without the query; below the mount
    query: str  # as sent, without the question mark
    headers: Sequence[Header]  # names as `canonical` writes them, in the order received
    body: bytes
    peer: str  # address of the other end of the connection
    protocol: str  # "HTTP/1.1"
    local_port: int | None  # the port that it arrived at; None on Lambda, and at a Unix socket
    invocation: Invocation | None = None  # on Lambda
    mount: str = ""  # the part of the path before `path`, percent-encoded: SCRIPT_NAME, root_path
    scheme: str = "http"  # of the connection; empty on Lambda

    @property
    def whole_path(self) -> str:
        """The path with the mount."""
        return self.mount + self.path or "/"


class HttpResponse(NamedTuple):
    """A response; the adapter adds Content-Length and the connection's headers."""

    status: int
    headers: list[Header]
    body: bytes

    def wire_headers(self) -> list[Header]:
        """Return the headers with Content-Length, unless the status has none (RFC 9110, section 8.6)."""
        if self.status in (204, 304):
            return self.headers
        return [*self.headers, ("Content-Length", str(len(self.body)))]


@cached
def canonical(name: str) -> str:
    """Spell a header's name in one way: `x-api-key` as `X-Api-Key`."""
    return "-".join(part.capitalize() for part in name.split("-"))


@cached
def canonical_of_bytes(name: bytes) -> str:
    """Do the same as `canonical` for a name in bytes."""
    return canonical(name.decode("latin-1"))


@cached
def lowered(name: str) -> str:
    """Return a header's name in lower case."""
    return name.lower()


@cached
def lowered_bytes(name: str) -> bytes:
    """Return a header's name in lower case and in bytes, as ASGI requires."""
    return lowered(name).encode("latin-1")


def last_value(headers: Sequence[Header], name: str) -> str | None:
    """Return the last value of a header, or None; `name` is spelled as `canonical` does."""
    value = None
    for each, text in headers:
        if each == name:
            value = text
    return value


def client_address(request: HttpRequest, trusted_proxies: int) -> str:
    """Return the client's address as the outermost trusted proxy saw it. Addresses that a client sent do not count."""
    if not trusted_proxies:
        return request.peer
    values = [value for name, value in request.headers if name == "X-Forwarded-For"]
    chain = [part.strip() for value in values for part in value.split(",")]
    return without_port(chain[-min(trusted_proxies, len(chain))][:MOST_ADDRESS]) if chain else request.peer


def without_port(address: str) -> str:
    """Return an address alone: load balancers may write `203.0.113.7:4711` or `[2001:db8::7]:4711`."""
    if address.startswith("["):
        return address[1:].partition("]")[0]
    return address.partition(":")[0] if address.count(":") == 1 else address


def path_of(target: str) -> str:
    """Return the path of a request's target, which is a path or a URL (RFC 9112, section 3.2).

    Raises:
        BadRequest: it is neither.
    """
    if not target.startswith("/"):
        host, target = split_url(target) or ("", "")
        if not host:
            raise BadRequest
    return target.partition("?")[0].partition("#")[0] if "?" in target or "#" in target else target


def split_url(target: str) -> tuple[str, str] | None:
    """Split a request's target that is a URL into the host and the rest, which begins with a slash; None: it is none.

    The host counts, not that of the header (RFC 9112, section 3.2.2).
    """
    found = _URL.match(target)
    if found is None:
        return None
    rest = target[found.end() :]
    return found[1], rest if rest.startswith("/") else "/" + rest


@lru_cache(maxsize=1024)
def status_line(status: int) -> str:
    """Return a status with its reason phrase: `404 Not Found`."""
    try:
        return f"{status} {HTTPStatus(status).phrase}"
    except ValueError:
        return f"{status} Unknown"


def has_no_body(status: int, method: str) -> bool:
    """Return whether a response must not have a body (RFC 9110, section 6.4.1)."""
    return method == "HEAD" or status in (204, 304) or status < 200
