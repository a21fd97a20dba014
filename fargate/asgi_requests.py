"""Read a request from the scope and the messages of an ASGI server, or of Mangum.

https://asgi.readthedocs.io/en/latest/specs/www.html
"""

from collections.abc import Awaitable, Callable, Mapping, MutableMapping
from typing import Any
from urllib.parse import quote, unquote

from fargate.errors import BadRequest, HeadersTooLong, RequestTooLong
from fargate.gateway.invocation import read_invocation
from fargate.http.framing import check_framing
from fargate.http.messages import (
    SAFE_IN_PATH,
    Header,
    HttpRequest,
    canonical,
    canonical_of_bytes,
    path_of,
    without_port,
)
from fargate.http.mounts import split_path

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]

_PRINTABLE = "".join(set(map(chr, range(0x21, 0x7F))) - set("?#"))
"""What an encoded path may hold as it is. An HTTP API's event has the path decoded, so with `?` and `#` in it."""


def read_head(scope: Scope, max_bytes: int) -> HttpRequest:
    """Read a request without its body; its head may have `max_bytes`.

    Raises:
        BadRequest, NotSupported, HeadersTooLong: it is no request, a WebSocket handshake, or its head is too long.
    """
    mount, path = _paths(scope)
    query = scope["query_string"].decode("latin-1")
    size = len(mount) + len(path) + len(query)
    headers: list[Header] = []
    for name, value in scope["headers"]:
        size += len(name) + len(value)
        headers.append((canonical_of_bytes(name), value.decode("latin-1")))
    if size > max_bytes:
        raise HeadersTooLong
    on_lambda = "aws.event" in scope  # Mangum's own key: no server lets a client set it
    if on_lambda:
        headers = _headers_of_event(scope["aws.event"]) or headers
    elif is_http_1(scope):
        check_framing(scope["method"], scope["http_version"], headers)
    server = scope.get("server")
    return HttpRequest(
        method=scope["method"],
        path=path,
        query=query,
        headers=headers,
        body=b"",
        peer=peer_of(scope),
        protocol=_protocol(scope["http_version"]),
        local_port=int(server[1]) if server and server[1] and not on_lambda else None,  # granian: a text
        invocation=read_invocation(scope["aws.event"], scope.get("aws.context")) if on_lambda else None,
        mount=mount,
        scheme="" if on_lambda else scope.get("scheme", "http"),
    )


async def receive_body(receive: Receive, limit: int) -> bytes:
    """Receive the pieces of a body.

    Raises:
        RequestTooLong: there are more bytes than the limit.
        BadRequest: it ends early.
    """
    chunks: list[bytes] = []
    more = True
    while more:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise BadRequest  # granian says so, too, where the body is not what its framing says
        chunks.append(message.get("body", b""))
        limit -= len(chunks[-1])
        if limit < 0:
            raise RequestTooLong
        more = message.get("more_body", False)
    return b"".join(chunks)


def may_have_body(scope: Scope) -> bool:
    """Tell whether a body follows: with HTTP/1 only where a header frames one (RFC 9112, section 6.3)."""
    if not is_http_1(scope) or "aws.event" in scope:
        return True
    names = [name for name, _ in scope["headers"]]
    return b"content-length" in names or b"transfer-encoding" in names


def is_http_1(scope: Scope) -> bool:
    """Tell whether the request came by HTTP/1, where headers frame messages and control the connection."""
    version: str = scope["http_version"]
    return version.startswith("1")


def _headers_of_event(event: Mapping[str, Any]) -> list[Header] | None:
    """Return the headers of an event that has them one by one; Mangum joins the lines of a REST API's with commas."""
    many = event.get("multiValueHeaders")
    return many and [(canonical(name), _latin_1(value)) for name, values in many.items() for value in values or ()]


def _latin_1(value: str) -> str:
    """Write a text as its UTF-8 bytes, each a character, as the headers of other servers come."""
    return value if value.isascii() else value.encode().decode("latin-1")


def peer_of(scope: Scope) -> str:
    """Return the other end's address; under Mangum, the client's, as the event has it."""
    client = scope.get("client")
    address: str = (client and client[0]) or ""
    return _last_hop(address) if "aws.event" in scope else address


def _last_hop(forwarded: str) -> str:
    """Return the address that the load balancer saw; for its events, Mangum passes all of X-Forwarded-For."""
    return without_port(forwarded.rpartition(",")[2].strip())


def _paths(scope: Scope) -> tuple[str, str]:
    """Return where the app is mounted and the path below it, as the client sent them.

    Raises:
        BadRequest: the request's target is neither a path nor a URL, or not ASCII (RFC 9112, section 3.2).
    """
    raw: bytes | None = scope.get("raw_path")
    mount, path = scope.get("root_path", ""), scope["path"]
    if raw is None:
        return split_path(_sent_path(scope), mount.rstrip("/"), _left(path, mount.rstrip("/"), ""))
    if not raw.isascii():
        raise BadRequest
    sent = raw.decode("ascii")
    if sent == path and not mount and path[:1] == "/":
        return "", sent
    sent, mount = path_of(sent), mount.rstrip("/")
    if path[:1] != "/":  # the whole URL
        path = unquote(sent)
    return split_path(sent, mount, _left(path, mount, sent))


def _left(path: str, mount: str, sent: str) -> str:
    """Return the path below the mount. `path` begins with the mount, unless a proxy or another app has removed it."""
    is_below = path == mount or path.startswith(mount + "/")
    return path[len(mount) :] if is_below and unquote(sent) != mount + path else path


def _sent_path(scope: Scope) -> str:
    """Return the encoded path of Mangum's event; of a server without `raw_path` the path, encoded again."""
    event = scope.get("aws.event", {})
    encoded: str = event.get("rawPath") or event.get("path") or ""
    return quote(encoded, safe=_PRINTABLE) if encoded else quote(scope["path"], safe=SAFE_IN_PATH)


def _protocol(version: str) -> str:
    """Write the protocol as API Gateway does; granian calls 1.0 `1`."""
    return f"HTTP/{version}" if "." in version else f"HTTP/{version}.0"
