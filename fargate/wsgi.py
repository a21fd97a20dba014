"""The WSGI adapter: it serves a Chalice app from waitress, gunicorn and other WSGI servers (PEP 3333)."""

import os
from collections.abc import Callable, Iterable
from typing import Any
from urllib.parse import quote, unquote

from chalice.app import Chalice

from fargate.errors import BadRequest, GatewayError, HeadersTooLong, LengthRequired, RequestTooLong
from fargate.fast_path import FastPath, fast_routes_of
from fargate.gateway.core import Gateway
from fargate.http.bounded_cache import cached
from fargate.http.framing import is_longer
from fargate.http.messages import (
    SAFE_IN_PATH,
    Header,
    HttpRequest,
    HttpResponse,
    canonical,
    has_no_body,
    path_of,
    status_line,
)
from fargate.http.mounts import split_path
from fargate.lifecycle import Lifecycle
from fargate.settings import Settings, read_settings
from fargate.telemetry.telemetry import Telemetry

Environ = dict[str, Any]
StartResponse = Callable[..., Any]
WsgiApp = Callable[[Environ, StartResponse], Iterable[bytes]]

HEADERS_KEY = "fargate.headers"
"""Our waitress puts the headers here one by one; WSGI joins repeated ones with commas."""

_READ_BYTES = 64 * 1024


def create_wsgi_app(
    chalice_app: Chalice,
    settings: Settings | None = None,
    lifecycle: Lifecycle | None = None,
    telemetry: Telemetry | None = None,
) -> "WsgiAdapter":
    """Make a WSGI callable that serves a Chalice app as API Gateway would.

    Args:
        chalice_app: the app; nothing in it has to change.
        settings: read from the environment where not given.
        lifecycle: what readiness probes are answered from; without one the server counts as ready.
        telemetry: records every request, as `fargate.telemetry.telemetry.telemetry_of(chalice_app, settings)` makes it;
            without one nothing is recorded.

    Raises:
        ConfigurationError: the environment holds a bad value, or a route of the fast path needs its handler.
    """
    settings = settings or read_settings(os.environ)
    gateway = Gateway(chalice_app, settings, lifecycle, telemetry)
    return WsgiAdapter(gateway, settings, FastPath(gateway, fast_routes_of(chalice_app)))


class WsgiAdapter:
    """Passes requests to the gateway, and its responses to the server."""

    def __init__(self, gateway: Gateway, settings: Settings, fast_path: FastPath) -> None:
        self.gateway = gateway
        self._settings = settings
        self._fast_path = fast_path

    def __call__(self, environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
        """Answer one request."""
        try:
            request = _read_request(environ, self._settings)
        except GatewayError as error:
            response = self.gateway.refuse(error, environ["REQUEST_METHOD"], environ.get("REMOTE_ADDR", ""))
        else:
            response = self._answer(request)
        return _send(response, environ["REQUEST_METHOD"], start_response)

    def _answer(self, request: HttpRequest) -> HttpResponse:
        """Answer from memory where the route has a fast path, else by its handler."""
        route = self._fast_path.find(request.method, request.path)
        if route is None:
            return self.gateway.handle(request)
        arrival = self.gateway.arrive(request)
        return self._fast_path.from_memory(arrival, route) or self.gateway.handle(request, arrival)


def _send(response: HttpResponse, method: str, start_response: StartResponse) -> Iterable[bytes]:
    start_response(status_line(response.status), response.wire_headers())
    return () if has_no_body(response.status, method) else (response.body,)


def _read_request(environ: Environ, settings: Settings) -> HttpRequest:
    """Read a request with its body.

    Raises:
        HeadersTooLong: its head is longer than the limit, and the server let it pass.
        RequestTooLong: its body is longer than the limit; no more than that was read.
        LengthRequired: its body is chunked, and the server does not decode it.
        BadRequest: its Content-Length is not a number, or its body ends early.
    """
    mount, path = _paths(environ)
    try:
        body = _read_body(environ, settings.max_body_bytes)
    except OSError:  # the client has gone, or its chunks are malformed
        raise BadRequest from None
    return HttpRequest(
        method=environ["REQUEST_METHOD"],
        path=path,
        query=environ.get("QUERY_STRING", ""),
        headers=environ.get(HEADERS_KEY) or _headers(environ, settings.max_header_bytes),
        body=body,
        peer=environ.get("REMOTE_ADDR", ""),
        protocol=environ.get("SERVER_PROTOCOL", "HTTP/1.1"),
        local_port=_port(environ.get("SERVER_PORT", "")),
        mount=mount,
        scheme=_scheme_of_uwsgi(environ) if "uwsgi.version" in environ else environ.get("wsgi.url_scheme", "http"),
    )


def _paths(environ: Environ) -> tuple[str, str]:
    """Return where the app is mounted and the path below it, as the client sent them.

    They come from the request's target if the server passes it on; else they are encoded again, and `%2F` is a slash.
    """
    mount, left = environ.get("SCRIPT_NAME", ""), environ.get("PATH_INFO", "")
    target = environ.get("REQUEST_URI") or environ.get("RAW_URI")
    sent = path_of(target) if target else quote((mount + left).encode("latin-1"), safe=SAFE_IN_PATH)
    if sent == left and not mount:
        return "", sent
    is_url = left[:1] not in ("/", "")  # uWSGI, where the target is one
    return split_path(sent, _text(mount), unquote(sent) if is_url else _text(left))


def _text(value: str) -> str:
    """Decode UTF-8 from WSGI's form of it, in which each character is a byte."""
    return value.encode("latin-1").decode(errors="replace")


def _headers(environ: Environ, limit: int) -> list[Header]:
    """Return the headers of a server that joins repeated ones; uWSGI leaves blanks around values."""
    named = [(key[5:].replace("_", "-"), value) for key, value in environ.items() if key[:5] == "HTTP_"]
    headers = [(canonical(name), value.strip(" \t")) for name, value in named]
    for key, name in (("CONTENT_TYPE", "Content-Type"), ("CONTENT_LENGTH", "Content-Length")):
        if environ.get(key):
            headers.append((name, environ[key]))
    if _size(headers) + len(environ.get("PATH_INFO", "")) + len(environ.get("QUERY_STRING", "")) > limit:
        raise HeadersTooLong
    return headers


def _size(headers: list[Header]) -> int:
    return sum(len(name) + len(value) for name, value in headers)


def _read_body(environ: Environ, limit: int) -> bytes:
    """Read the body. Both framings at once are request smuggling (RFC 9112, section 6.3)."""
    length = environ.get("CONTENT_LENGTH")
    if length:
        if "HTTP_TRANSFER_ENCODING" in environ or not length.isdecimal():
            raise BadRequest
        if is_longer(length, limit):
            raise RequestTooLong
        return _read(environ["wsgi.input"], int(length))
    if environ.get("wsgi.input_terminated"):
        return _read_to_end(environ["wsgi.input"], limit)
    if "HTTP_TRANSFER_ENCODING" in environ:
        raise LengthRequired
    return b""


def _read(stream: Any, size: int) -> bytes:
    """Read a body of known size; a stream may return less than it is asked for."""
    chunks: list[bytes] = []
    while size and (chunk := stream.read(size)):
        size -= len(chunk)
        chunks.append(chunk)
    if size:
        raise BadRequest  # the client has gone
    return b"".join(chunks)


def _read_to_end(stream: Any, limit: int) -> bytes:
    chunks: list[bytes] = []
    while chunk := stream.read(_READ_BYTES):
        limit -= len(chunk)
        if limit < 0:
            raise RequestTooLong
        chunks.append(chunk)
    return b"".join(chunks)


def _scheme_of_uwsgi(environ: Environ) -> str:
    """Return uWSGI's own scheme; its `wsgi.url_scheme` is what any client says in X-Forwarded-Proto."""
    return "https" if environ.get("HTTPS", "").lower() in ("on", "1") else "http"


@cached
def _port(text: str) -> int | None:
    return int(text) if text.isdecimal() else None
