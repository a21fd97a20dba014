"""The ASGI adapter: it serves a Chalice app from uvicorn, granian and other ASGI 3 servers, and from Mangum.

Handlers run in a bounded pool of threads, so that the event loop never waits for one. Bodies are limited as they
arrive; a request whose client has gone while it waited for a thread is not served.
"""

import asyncio
import contextlib
import logging
import os
from collections.abc import Awaitable, Callable
from functools import cached_property
from typing import Any

from chalice.app import Chalice

from fargate.asgi_requests import (
    Receive,
    Scope,
    Send,
    is_http_1,
    may_have_body,
    peer_of,
    read_head,
    receive_body,
)
from fargate.errors import (
    GatewayError,
    RequestTimeout,
    RequestTooLong,
    ServiceUnavailable,
    WebSocketsNotServed,
)
from fargate.fast_path import FastPath, fast_routes_of
from fargate.gateway.core import Arrival, Gateway
from fargate.http.framing import is_longer
from fargate.http.messages import (
    HttpRequest,
    HttpResponse,
    has_no_body,
    lowered_bytes,
)
from fargate.lifecycle import PROBE_PATHS, Lifecycle, Phase
from fargate.settings import Settings, read_settings
from fargate.telemetry.telemetry import Telemetry
from fargate.threads.workers import Workers

logger = logging.getLogger("fargate")

AsgiApp = Callable[[Scope, Receive, Send], Awaitable[None]]

_AppWorkers = Workers[tuple[HttpRequest, Arrival | None], HttpResponse]


OpenWebSocket = Callable[[HttpRequest, Any, bytes, Any], None]
"""Goes on with a handshake: gets the request, the transport, what came after it, and uvicorn's state."""


class ClientDisconnected(Exception):
    """The client went away before its request could be served."""


def create_asgi_app(
    chalice_app: Chalice,
    settings: Settings | None = None,
    lifecycle: Lifecycle | None = None,
    telemetry: Telemetry | None = None,
) -> "AsgiAdapter":
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
    """Passes requests to the gateway, and its responses to the server."""

    def __init__(self, gateway: Gateway, settings: Settings, lifecycle: Lifecycle, fast_path: FastPath) -> None:
        self.gateway = gateway
        self.fast_path = fast_path
        self.open_websocket: OpenWebSocket | None = None  # None: handshakes are answered 501
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
            request = read_head(scope, self._settings.max_header_bytes)
            if may_have_body(scope):
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
        return self.gateway.refuse(error, scope.get("method", "GET"), peer_of(scope), arrival)

    async def _read_body(self, scope: Scope, receive: Receive) -> bytes:
        limit = self._settings.max_body_bytes
        for name, value in scope["headers"]:
            if name == b"content-length" and value.isdigit() and is_longer(value, limit):
                raise RequestTooLong
        try:
            async with asyncio.timeout(self._settings.body_seconds):
                return await receive_body(receive, limit)
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
        if (ends or self.is_draining) and is_http_1(scope):
            headers.append((b"connection", b"close"))
        body = b"" if has_no_body(response.status, scope["method"]) else response.body
        await send({"type": "http.response.start", "status": response.status, "headers": headers})
        await send({"type": "http.response.body", "body": body})


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
