"""One connection under uvicorn of an app that answers ahead: asked before the machinery of ASGI is set in motion.

That machinery costs more than such an answer: a cycle, a task, a message each way. It is used as ever for requests with
a body, for what must wait for an answer before it, and for all that the app does not answer ahead.
"""

import asyncio
import logging
from collections.abc import Awaitable
from typing import Any
from urllib.parse import unquote

from uvicorn.config import Config
from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol, RequestResponseCycle

from fargate.asgi import ASKED, AsgiAdapter
from fargate.errors import GatewayError
from fargate.http.framing import check_framing
from fargate.http.messages import HttpRequest, HttpResponse, has_no_body, lowered

logger = logging.getLogger("fargate")

_OF_BODY = frozenset((b"content-length", b"transfer-encoding", b"expect"))


def head_of(response: HttpResponse, own: bytes, *, ends: bool) -> bytes:
    """Write a response's head, up to where its body begins.

    Args:
        response: what is sent.
        own: lines of headers of the server's own.
        ends: whether the connection does, after this.

    Raises:
        ValueError: a header would break the response in two, which the gateway should have seen.
    """
    lines = "".join([f"{lowered(name)}: {value}\r\n" for name, value in response.headers])
    if lines.count("\n") != len(response.headers):
        raise ValueError("a header would break the response in two")
    length = b"" if response.status in (204, 304) else b"content-length: %d\r\n" % len(response.body)
    connection = b"connection: close\r\n" if ends else b""
    return b"%b%b%b%b%b\r\n" % (STATUS_LINE[response.status], own, lines.encode("latin-1"), length, connection)


def complete_scope(scope: Any, request: HttpRequest) -> None:
    """Add to a scope what uvicorn itself would; the other half was there when the head began."""
    scope["method"] = request.method
    scope["http_version"] = request.protocol.removeprefix("HTTP/")
    scope["path"] = unquote(request.path)
    scope["raw_path"] = request.path.encode()
    scope["query_string"] = request.query.encode()


class AheadProtocol(HttpToolsProtocol):
    """Answers ahead what can be, and leaves the rest to uvicorn."""

    def __init__(self, config: Config, *args: Any, **kwargs: Any) -> None:
        super().__init__(config, *args, **kwargs)
        self.url = b""
        self._has_body = False
        door = config.app
        self._door = door if isinstance(door, AsgiAdapter) and door.answers_ahead else None
        self._answering: asyncio.Task[None] | None = None
        self._own: tuple[list[tuple[bytes, bytes]], bytes] = ([], b"")
        self._peer = ""
        self._port: int | None = None
        self._rests_since: float | None = None  # on the loop's clock; None: something has come since

    def connection_made(self, transport: Any) -> None:
        """Take note of who is at either end."""
        super().connection_made(transport)
        self._peer = self.client[0] if self.client else ""
        self._port = self.server[1] if self.server else None

    def connection_lost(self, exc: Exception | None) -> None:
        """Forget the connection."""
        super().connection_lost(exc)
        self._unset_keepalive_if_required()

    def on_message_begin(self) -> None:
        """A head begins; its scope is made once it is known to be needed."""
        self._has_body = False
        if self._door is None:
            super().on_message_begin()
        else:
            self.url, self.headers, self.expect_100_continue = b"", [], False

    def _make_scope(self) -> None:
        """Make the scope, as uvicorn does when a head begins."""
        url, headers, expects = self.url, self.headers, self.expect_100_continue
        super().on_message_begin()
        self.url, self.expect_100_continue = url, expects
        self.headers.extend(headers)  # the list that the scope holds

    def on_header(self, name: bytes, value: bytes) -> None:
        """Keep a header."""
        name = name.lower()
        if name in _OF_BODY:
            self._has_body = True
            super().on_header(name, value)
        else:
            self.headers.append((name, value))

    def on_headers_complete(self) -> None:
        """Answer ahead, or begin the request as ever."""
        if self._door is None:
            super().on_headers_complete()
        elif not self._may_ask_ahead():
            self._make_scope()
            super().on_headers_complete()
        elif not self._asked_ahead(self._door):
            super().on_headers_complete()

    def on_message_complete(self) -> None:
        """A request has arrived whole."""
        if self.cycle is not None:  # None: all requests so far were answered at once
            super().on_message_complete()

    def on_response_complete(self) -> None:
        """Go on with the next request."""
        super().on_response_complete()
        self._rests_since = self.loop.time()

    def _may_ask_ahead(self) -> bool:
        """Tell whether this request is all there, its target a path, and nothing before it still to be answered."""
        return (
            not self._has_body
            and (self.cycle is None or self.cycle.response_complete)
            and not self.flow.write_paused
            and not self.transport.is_closing()
            and self.url.startswith(b"/")
            and self.url.isascii()
            and b"#" not in self.url
        )

    def _asked_ahead(self, door: AsgiAdapter) -> bool:
        """Answer at once where that can be done, or begin to wait; False: this is a request like any other."""
        version, target = self.parser.get_http_version(), self.url.decode()
        path, _, query = target.partition("?")
        try:
            headers = door.read_headers(self.headers, len(target))
            check_framing(version, headers)
        except GatewayError:
            self._make_scope()
            return False  # it is refused as any other
        method = self.parser.get_method().decode()
        request = HttpRequest(method, path, query, headers, b"", self._peer, f"HTTP/{version}", self._port)
        keep_alive = version == "1.1" and self.parser.should_keep_alive()
        asked = door.ask_ahead(request)
        if isinstance(asked, HttpResponse):
            self._respond(asked, method, keep_alive=keep_alive)
            self._go_on()
            return True
        self._make_scope()
        self.scope["extensions"] = {ASKED: asked}  # type: ignore[dict-item]
        if asked.awaited is None:
            return False
        self.cycle = self._cycle(keep_alive=keep_alive)
        # This connection holds the task, and stays open until it ends: uvicorn's set of tasks need not.
        self._answering = self.loop.create_task(self._answer_soon(self.cycle, request, asked.awaited))
        return True

    def _cycle(self, *, keep_alive: bool) -> RequestResponseCycle:
        """Return what uvicorn knows an unanswered request by; its scope is completed only for a handler."""
        return RequestResponseCycle(
            scope=self.scope,
            transport=self.transport,
            flow=self.flow,
            logger=self.logger,
            access_logger=self.access_logger,
            access_log=False,
            default_headers=self.server_state.default_headers,
            message_event=asyncio.Event(),
            expect_100_continue=False,
            keep_alive=keep_alive,
            on_response=self.on_response_complete,
        )

    async def _answer_soon(
        self, cycle: RequestResponseCycle, request: HttpRequest, awaited: Awaitable[HttpResponse | None]
    ) -> None:
        """Answer with what is awaited; where that is nothing, call the handler."""
        response = await awaited
        if response is None:
            complete_scope(cycle.scope, request)
            await cycle.run_asgi(self.app)
            return
        if cycle.flow.write_paused:
            await cycle.flow.drain()
        cycle.response_started = cycle.response_complete = True
        if not cycle.disconnected:
            self._respond(response, request.method, keep_alive=cycle.keep_alive)
            self._go_on()

    def _go_on(self) -> None:
        """After an answer that uvicorn knows nothing of: begin the next request that is there, or wait for one."""
        if self.pipeline:
            self.on_response_complete()
        else:
            self.server_state.total_requests += 1
            self._rest()

    def _respond(self, response: HttpResponse, method: str, *, keep_alive: bool) -> None:
        """Send a whole response in one piece."""
        ends = not keep_alive or (self._door is not None and self._door.is_draining)
        try:
            head = head_of(response, self._own_lines(), ends=ends)
        except ValueError:
            logger.exception("A response was not sent")
            self.transport.close()
            return
        self.transport.write(head if has_no_body(response.status, method) else head + response.body)
        if ends:
            self.transport.close()

    def _own_lines(self) -> bytes:
        """Return the server's own headers as lines; it makes a new list of them each second."""
        headers, lines = self._own
        if headers is not self.server_state.default_headers:
            headers = self.server_state.default_headers
            lines = b"".join([b"%b: %b\r\n" % header for header in headers])
            self._own = headers, lines
        return lines

    def _stir(self) -> None:
        """Take note that something has come; the timer is left to find that out by itself."""
        self._rests_since = None

    def _rest(self) -> None:
        """Wait for the next request; the timer of an earlier one is left to find out that it came too early."""
        self._rests_since = self.loop.time()
        if self.timeout_keep_alive_task is None:
            self._wake_in(self.timeout_keep_alive)

    def _wake_in(self, seconds: float) -> None:
        self.timeout_keep_alive_task = self.loop.call_later(seconds, self.timeout_keep_alive_handler)

    def timeout_keep_alive_handler(self) -> None:
        """Close a connection over which nothing has come for long enough."""
        self.timeout_keep_alive_task = None
        if self._rests_since is None:
            return
        left = self._rests_since + self.timeout_keep_alive - self.loop.time()
        if left > 0:
            self._wake_in(left)
        else:
            super().timeout_keep_alive_handler()
