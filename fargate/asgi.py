"""The ASGI adapter: it serves a Chalice app from uvicorn, granian and other ASGI 3 servers, and from Mangum.

Handlers run in a bounded pool of threads, so that the event loop never waits for one. Bodies are limited as they
arrive; a request whose client has gone while it waited for a thread is not served.
"""

import asyncio
import contextlib
import logging
import os
from collections.abc import Awaitable, Callable, Mapping, MutableMapping
from functools import cached_property
from typing import Any
from urllib.parse import quote, unquote

from chalice.app import Chalice

from fargate.errors import (
    BadRequest,
    GatewayError,
    HeadersTooLong,
    RequestTimeout,
    RequestTooLong,
    ServiceUnavailable,
    WebSocketsNotServed,
)
from fargate.fast_path import FastPath, fast_routes_of
from fargate.gateway.core import Arrival, Gateway
from fargate.gateway.invocation import read_invocation
from fargate.http.framing import check_framing
from fargate.http.messages import (
    SAFE_IN_PATH,
    Header,
    HttpRequest,
    HttpResponse,
    canonical,
    canonical_of_bytes,
    has_no_body,
    lowered_bytes,
    without_port,
)
from fargate.http.mounts import split_path
from fargate.lifecycle import PROBE_PATHS, Lifecycle, Phase
from fargate.settings import Settings, read_settings
from fargate.telemetry.telemetry import Telemetry
from fargate.threads.workers import Workers

logger = logging.getLogger("fargate")

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
AsgiApp = Callable[[Scope, Receive, Send], Awaitable[None]]

_AppWorkers = Workers[tuple[HttpRequest, Arrival | None], HttpResponse]

_PRINTABLE = "".join(set(map(chr, range(0x21, 0x7F))) - set("?#"))
"""What an encoded path may hold as it is. An HTTP API's event has the path decoded, so with `?` and `#` in it."""


class ClientDisconnected(Exception):
    """The client went away before its request could be served."""


def create_asgi_app(
    chalice_app: Chalice,
    settings: Settings | None = None,
    lifecycle: Lifecycle | None = None,
    telemetry: Telemetry | None = None,
) -> AsgiApp:
    """Make an ASGI 3 callable that serves a Chalice app as API Gateway would.

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
    lifecycle = lifecycle or Lifecycle()
    gateway = Gateway(chalice_app, settings, lifecycle, telemetry)
    return AsgiAdapter(gateway, settings, lifecycle, FastPath(gateway, fast_routes_of(chalice_app)))


class AsgiAdapter:
    """Passes requests to the gateway, and its responses to the server.

    https://asgi.readthedocs.io/en/latest/specs/www.html
    """

    def __init__(self, gateway: Gateway, settings: Settings, lifecycle: Lifecycle, fast_path: FastPath) -> None:
        self.gateway = gateway
        self.fast_path = fast_path
        self._settings = settings
        self._lifecycle = lifecycle
        self._waiting = 0  # only the event loop's thread touches it

    @cached_property
    def _workers(self) -> _AppWorkers:
        """The threads of requests. A server may fork between the import and the first request; threads stay behind."""
        return Workers(self._answer, self._settings.threads, "request", self.gateway.telemetry.queued)

    @cached_property
    def _probe_worker(self) -> _AppWorkers:
        return Workers(self._answer, 1, "probe")

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one ASGI scope: a request, or the app's lifespan."""
        if scope["type"] == "http":
            await self._serve(scope, receive, send)
        elif scope["type"] == "lifespan":
            await self._live(receive, send)
        elif scope["type"] == "websocket":
            await self._refuse_handshake(scope, receive, send)
        else:
            raise RuntimeError(f"unknown ASGI scope: {scope['type']}")

    async def _live(self, receive: Receive, send: Send) -> None:
        while (await receive())["type"] != "lifespan.shutdown":
            self._lifecycle.phase = Phase.READY  # again and again under Mangum, which starts and ends with each event
            await send({"type": "lifespan.startup.complete"})
        self._lifecycle.phase = Phase.DRAINING
        await send({"type": "lifespan.shutdown.complete"})

    async def _serve(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            request = self._read_head(scope)
            if _may_have_body(scope):
                request = request._replace(body=await self._read_body(scope, receive))
        except GatewayError as error:
            await self._refuse(error, scope, send)
            return
        answer = await self._answer_fast(request)
        if isinstance(answer, HttpResponse):
            await self._send(answer, scope, send)
            return
        try:
            response = await self._handle(request, answer, receive)
        except GatewayError as error:
            response = self._refusal(error, scope, answer)
        except ClientDisconnected:
            await self._refuse(ServiceUnavailable(), scope, send, answer)  # it may have ended only its own side
            return
        await self._send(response, scope, send)

    async def _refuse(self, error: GatewayError, scope: Scope, send: Send, arrival: Arrival | None = None) -> None:
        """Send an error; the client may have gone."""
        ends = not isinstance(error, RequestTooLong)  # what follows on the connection cannot be trusted
        with contextlib.suppress(OSError):
            await self._send(self._refusal(error, scope, arrival), scope, send, ends=ends)

    async def _refuse_handshake(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a WebSocket handshake with an error; a server without the extension for that answers 403."""
        response = self._refusal(WebSocketsNotServed(), scope)
        await receive()
        if "websocket.http.response" not in (scope.get("extensions") or {}):
            await send({"type": "websocket.close", "code": 1008, "reason": WebSocketsNotServed.message})
            return
        headers = [(lowered_bytes(name), value.encode("latin-1")) for name, value in response.wire_headers()]
        await send({"type": "websocket.http.response.start", "status": response.status, "headers": headers})
        await send({"type": "websocket.http.response.body", "body": response.body})

    def _refusal(self, error: GatewayError, scope: Scope, arrival: Arrival | None = None) -> HttpResponse:
        return self.gateway.refuse(error, scope.get("method", "GET"), _peer(scope), arrival)

    def _read_head(self, scope: Scope) -> HttpRequest:
        """Read a request without its body.

        Raises:
            BadRequest, NotSupported, HeadersTooLong: it is no request, a WebSocket handshake, or its head is too long.
        """
        mount, path = _paths(scope)
        query = scope["query_string"].decode("latin-1")
        size = len(mount) + len(path) + len(query)
        for name, value in scope["headers"]:
            size += len(name) + len(value)
        if size > self._settings.max_header_bytes:
            raise HeadersTooLong
        on_lambda = "aws.event" in scope  # Mangum's own key: no server lets a client set it
        headers = _headers_of_event(scope["aws.event"]) if on_lambda else None
        if headers is None:
            headers = [(canonical_of_bytes(name), value.decode("latin-1")) for name, value in scope["headers"]]
        if _is_http_1(scope) and not on_lambda:
            check_framing(scope["method"], scope["http_version"], headers)
        server = scope.get("server")
        return HttpRequest(
            method=scope["method"],
            path=path,
            query=query,
            headers=headers,
            body=b"",
            peer=_peer(scope),
            protocol=_protocol(scope["http_version"]),
            local_port=int(server[1]) if server and server[1] and not on_lambda else None,  # granian: a text
            invocation=read_invocation(scope["aws.event"], scope.get("aws.context")) if on_lambda else None,
            mount=mount,
            scheme="" if on_lambda else scope.get("scheme", "http"),
        )

    async def _read_body(self, scope: Scope, receive: Receive) -> bytes:
        limit = self._settings.max_body_bytes
        for name, value in scope["headers"]:
            if name == b"content-length" and value.isdigit() and int(value) > limit:
                raise RequestTooLong
        try:
            async with asyncio.timeout(self._settings.body_seconds):
                return await _receive_body(receive, limit)
        except TimeoutError:
            raise RequestTimeout from None

    async def _answer_fast(self, request: HttpRequest) -> HttpResponse | Arrival | None:
        """Return the fast path's response, or the request for its handler; None: the route has no fast path."""
        route = self.fast_path.find(request.method, request.path)
        if route is None or not request.scheme:  # Mangum ends the loop with each event
            return None
        self.yield_to_threads()
        return await self.fast_path.answer(request, route)

    def yield_to_threads(self) -> None:
        """Let threads that have requests go on, before the event loop answers another one by itself."""
        if self._in_need_of_threads > 0:
            self.fast_path.yield_to_threads()

    async def handle(self, arrival: Arrival, receive: Receive) -> HttpResponse:
        """Return the handler's response to a request that was read elsewhere.

        Args:
            arrival: the request.
            receive: returns `http.disconnect` once the client has gone.
        """
        try:
            return await self._handle(arrival.request, arrival, receive)
        except GatewayError as error:
            return self.gateway.refuse(error, arrival=arrival)
        except ClientDisconnected:
            return self.gateway.refuse(ServiceUnavailable(), arrival=arrival)

    async def _handle(self, request: HttpRequest, arrival: Arrival | None, receive: Receive) -> HttpResponse:
        """Run the handler in a thread; probes have one of their own, so that they never wait behind others."""
        if request.path.removeprefix(self._settings.base_path) in PROBE_PATHS:
            return await self._probe_worker.submit((request, arrival))
        if self._in_need_of_threads >= self._settings.threads + self._settings.connection_limit:
            raise ServiceUnavailable(headers=[("Retry-After", "1")])
        self._waiting += 1
        try:
            answer = self._workers.submit((request, arrival))
            if self._in_need_of_threads > self._settings.threads:
                return await _unless_disconnected(answer, receive)
            return await answer
        finally:
            self._waiting -= 1

    @property
    def _in_need_of_threads(self) -> int:
        """How many requests have a thread's place, or wait for one; those that have lent theirs do not."""
        return self._waiting - self._workers.lent

    def _answer(self, submitted: tuple[HttpRequest, Arrival | None]) -> HttpResponse:
        return self.gateway.handle(*submitted)

    @property
    def is_draining(self) -> bool:
        """Whether connections close after the response."""
        return self._lifecycle.is_draining

    async def _send(self, response: HttpResponse, scope: Scope, send: Send, *, ends: bool = False) -> None:
        headers = [(lowered_bytes(name), value.encode("latin-1")) for name, value in response.wire_headers()]
        if (ends or self.is_draining) and _is_http_1(scope):
            headers.append((b"connection", b"close"))
        body = b"" if has_no_body(response.status, scope["method"]) else response.body
        await send({"type": "http.response.start", "status": response.status, "headers": headers})
        await send({"type": "http.response.body", "body": body})


async def _receive_body(receive: Receive, limit: int) -> bytes:
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


async def _unless_disconnected(answer: asyncio.Future[HttpResponse], receive: Receive) -> HttpResponse:
    """Wait for a thread's response; if the client goes first, cancel a request that no thread has begun.

    Raises:
        ClientDisconnected: the client has gone.
    """
    gone = asyncio.ensure_future(_disconnected(receive))
    try:
        await asyncio.wait((answer, gone), return_when=asyncio.FIRST_COMPLETED)
        if not answer.done():
            answer.cancel()
            raise ClientDisconnected
        return answer.result()
    finally:
        gone.cancel()


async def _disconnected(receive: Receive) -> None:
    """Wait until the client has gone; a server sends the end of an empty body first."""
    while (await receive())["type"] != "http.disconnect":
        pass


def _may_have_body(scope: Scope) -> bool:
    """Tell whether a body follows: with HTTP/1 only where a header frames one (RFC 9112, section 6.3)."""
    if not _is_http_1(scope) or "aws.event" in scope:
        return True
    names = [name for name, _ in scope["headers"]]
    return b"content-length" in names or b"transfer-encoding" in names


def _is_http_1(scope: Scope) -> bool:
    """Tell whether the request came by HTTP/1, where headers frame messages and control the connection."""
    version: str = scope["http_version"]
    return version.startswith("1")


def _headers_of_event(event: Mapping[str, Any]) -> list[Header] | None:
    """Return the headers of an event that has them one by one; Mangum joins the lines of a REST API's with commas."""
    many = event.get("multiValueHeaders")
    return many and [(canonical(name), _latin_1(value)) for name, values in many.items() for value in values]


def _latin_1(value: str) -> str:
    """Write a text as its UTF-8 bytes, each a character, as the headers of other servers come."""
    return value if value.isascii() else value.encode().decode("latin-1")


def _peer(scope: Scope) -> str:
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
        BadRequest: the request's target is no path, or not ASCII (RFC 9112, section 3.2).
    """
    raw: bytes | None = scope.get("raw_path")
    mount: str = scope.get("root_path", "").rstrip("/")
    if raw is None:
        return split_path(_sent_path(scope), mount, _left(scope["path"], mount, ""))
    if not raw.startswith(b"/") or not raw.isascii():
        raise BadRequest
    sent = raw.partition(b"?")[0].decode("latin-1")
    if sent == scope["path"] and not mount:
        return "", sent
    return split_path(sent, mount, _left(scope["path"], mount, sent))


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
