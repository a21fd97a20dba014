"""The fast path under uvicorn, before ASGI: answers plain requests of registered routes on the connection itself.

ASGI's cycle, task, scope and messages cost as much as a hit in the cache. A request takes this way if it is one GET of
HTTP/1.1 that came in one piece, without a body and without a header that controls the connection; uvicorn's protocol
gets all other bytes. What must hold: uvicorn's protocol gets none while a request is answered here, and nothing is
answered here while uvicorn's protocol has a request, or a part of one.
"""

import asyncio
import logging
import math
import re
from typing import Any

from uvicorn.config import Config
from uvicorn.server import ServerState

from fargate.asgi import AsgiAdapter
from fargate.asgi_requests import Message
from fargate.errors import GatewayError
from fargate.fast_path import FastRoute
from fargate.gateway.core import Arrival
from fargate.http.framing import check_framing
from fargate.http.messages import HttpRequest, HttpResponse, canonical_of_bytes, has_no_body
from fargate.servers.limits import Awaited, Limits
from fargate.servers.uvicorn_protocol import DEFAULT_HEADER_BYTES, StrictProtocol, head_of

logger = logging.getLogger("fargate")

_HEAD = re.compile(rb"GET (/[!-~]*) HTTP/1\.1\r\n((?:[!#$%&'*+.^_`|~0-9A-Za-z-]+:[\t -~\x80-\xff]*\r\n)*)\r\n")
"""A whole head whose fields are beyond doubt (RFC 9112, sections 3 and 5): no folded line, no bare CR or LF."""

_CONTROLS = frozenset(
    ("Connection", "Content-Length", "Expect", "Keep-Alive", "Proxy-Connection", "Te", "Transfer-Encoding", "Upgrade")
)


class FastPathProtocol(asyncio.Protocol):
    """One connection: in front of uvicorn's own protocol, which it makes. uvicorn calls it with these arguments."""

    def __init__(
        self,
        config: Config,
        server_state: ServerState,
        app_state: dict[str, Any],
        _loop: asyncio.AbstractEventLoop | None = None,
    ) -> None:
        self._protocol = StrictProtocol(config, server_state, app_state, _loop)
        assert isinstance(config.app, AsgiAdapter)  # noqa: S101  `uvicorn_server` serves nothing else
        self._app = config.app
        self._state = server_state
        self._loop = _loop or asyncio.get_running_loop()
        self._max_head_bytes = config.h11_max_incomplete_event_size or DEFAULT_HEADER_BYTES
        self._answering: asyncio.Task[None] | None = None
        self._received: list[bytes] = []  # while a request is answered
        self._gone = asyncio.Event()
        self._is_last = False  # the connection closes after the response
        self._is_paused = False  # the client does not read
        self._receipts = 0  # how often bytes have come
        self._awaited: tuple[Awaited, int] | None = None  # what the last sweep found, and since when
        self._awaited_since = 0.0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport: Any = transport
        self._protocol.connection_made(transport)  # type: ignore[arg-type]
        self._state.connections.discard(self._protocol)
        self._state.connections.add(self)  # type: ignore[arg-type]  # so that a shutdown waits for what is answered here
        peer, here = transport.get_extra_info("peername"), transport.get_extra_info("sockname")
        self._peer = str(peer[0]) if isinstance(peer, tuple) else ""
        self._port = here[1] if isinstance(here, tuple) else None

    def connection_lost(self, exc: Exception | None) -> None:
        self._state.connections.discard(self)
        self._gone.set()
        self._protocol.connection_lost(exc)

    def eof_received(self) -> bool:
        """Answer complete requests, then close: a client that ends its side may still read."""
        if self._answering is None:
            return self._protocol.eof_received()
        self._is_last = True
        self._gone.set()  # most such clients have gone: cancel a request that no thread has begun
        return True

    def pause_writing(self) -> None:
        self._is_paused = True
        self._protocol.pause_writing()

    def resume_writing(self) -> None:
        self._is_paused = False
        self._protocol.resume_writing()

    def shutdown(self) -> None:
        """Close, after the response to a request that is being answered. uvicorn calls it when it stops."""
        if self._answering is None:
            self._protocol.shutdown()
        else:
            self._is_last = True

    def sweep(self, limits: Limits, now: float) -> None:
        """End what takes too long, counted from the first sweep that finds it; `now` is on the monotonic clock.

        One timer for all connections: one for each request would cost every request.
        """
        awaited = self._find_awaited()
        if awaited != self._awaited:
            self._awaited, self._awaited_since = awaited, now
        elif awaited is not None and now - self._awaited_since >= awaited[0].limit(limits):
            self._end(awaited[0])

    @property
    def is_idle(self) -> bool:
        """Whether it has no request, and no part of one, and nothing to send."""
        found = self._find_awaited()
        return found is not None and found[0] is Awaited.REQUEST

    def idle_since(self) -> float:
        """Return when a sweep first found it as it is; infinity for one that no sweep has seen."""
        return self._awaited_since or math.inf

    def _find_awaited(self) -> tuple[Awaited, int] | None:
        """Return what the client has to do, with a number that changes once it has done it; None: nothing."""
        if unsent := self._transport.get_write_buffer_size():
            return Awaited.READING, unsent
        if self._answering is not None:
            return None
        if self._protocol.is_idle:
            return Awaited.REQUEST, self._receipts
        return self._protocol.awaited

    def _end(self, awaited: Awaited) -> None:
        if awaited is Awaited.READING:
            self._transport.abort()
        elif awaited is Awaited.HEAD:
            self._protocol.refuse_late_head()
        else:
            self._transport.close()

    def data_received(self, data: bytes) -> None:
        self._receipts += 1
        if self._answering is not None or self._received:
            self._received.append(data)
            self._transport.pause_reading()
            return
        if not self._protocol.is_idle or self._is_paused or not self._answer(data):
            self._protocol.data_received(data)

    def _answer(self, data: bytes) -> bool:
        """Answer a request of the fast path, now or soon; False: it is none, or needs uvicorn's protocol."""
        head = _HEAD.fullmatch(data)
        if head is None or len(data) > self._max_head_bytes:
            return False
        target, fields = head.groups()
        path, _, query = target.decode().partition("?")
        route = self._app.fast_path.find("GET", path)
        if route is None or "#" in query or "#" in path:
            return False
        headers = []
        for line in fields.split(b"\r\n")[:-1]:
            name, _, value = line.partition(b":")
            headers.append((canonical_of_bytes(name), value.strip(b" \t").decode("latin-1")))
        try:
            check_framing("GET", "1.1", headers)
        except GatewayError:
            return False
        if any(name in _CONTROLS for name, _ in headers):
            return False
        self._protocol.stop_keep_alive_timer()
        self._begin(HttpRequest("GET", path, query, headers, b"", self._peer, "HTTP/1.1", self._port), route)
        return True

    def _begin(self, request: HttpRequest, route: FastRoute) -> None:
        self._app.yield_to_threads()
        fast_path = self._app.fast_path
        arrival = self._app.gateway.arrive(request)
        response = fast_path.from_memory(arrival, route)
        if response is not None:
            self._respond(response)
            return
        self._answering = self._loop.create_task(self._finish(arrival, route))

    async def _finish(self, arrival: Arrival, route: FastRoute) -> None:
        """Await the response of the fast path, or else of the handler."""
        response = await self._app.fast_path.from_loop(arrival, route)
        if response is None:
            response = await self._app.handle(arrival, self._receive)
        self._answering = None
        self._respond(response)
        if self._received:
            self._loop.call_soon(self._go_on)

    def _go_on(self) -> None:
        """Read what has come while a request was answered."""
        received, self._received = b"".join(self._received), []
        if received and not self._transport.is_closing():
            self._transport.resume_reading()
            self.data_received(received)

    async def _receive(self) -> Message:
        """Tell the ASGI adapter when the client has gone."""
        await self._gone.wait()
        return {"type": "http.disconnect"}

    def _respond(self, response: HttpResponse) -> None:
        """Send a response in one piece."""
        if self._transport.is_closing():
            return
        ends = self._is_last or self._app.is_draining
        try:
            head = head_of(response, self._state.default_headers, ends=ends)
        except ValueError:
            logger.exception("A response was not sent")
            self._transport.close()
            return
        self._transport.write(head if has_no_body(response.status, "GET") else head + response.body)
        if ends:
            self._transport.close()
