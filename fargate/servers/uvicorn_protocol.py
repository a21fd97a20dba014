"""One connection under uvicorn: bounds the head, drops trailers, and writes errors as API Gateway does."""

from typing import Any

from httptools import HttpParserError, HttpParserUpgrade, HttpRequestParser
from uvicorn.config import Config
from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol

from fargate.asgi import AsgiAdapter
from fargate.errors import BadRequest, GatewayError, HeadersTooLong, RequestTimeout, WebSocketsNotServed
from fargate.http.framing import is_handshake
from fargate.http.messages import HttpRequest, HttpResponse, canonical_of_bytes, lowered, split_url
from fargate.servers.limits import Awaited

VERSIONS = ("1.0", "1.1")
DEFAULT_HEADER_BYTES = 64 * 1024


class StrictProtocol(HttpToolsProtocol):
    """Refuses what httptools accepts and a server must not.

    httptools buffers a head of any length, accepts any version, and reports the trailer fields of a chunked body as
    headers, so that a client can add headers that a proxy would remove (RFC 9110, section 6.5.1).
    """

    def __init__(self, config: Config, *args: Any, **kwargs: Any) -> None:
        super().__init__(config, *args, **kwargs)
        assert isinstance(config.app, AsgiAdapter)  # noqa: S101  `uvicorn_server` serves nothing else
        self._app = config.app
        self._max_header_bytes = config.h11_max_incomplete_event_size or DEFAULT_HEADER_BYTES
        self._unparsed_bytes = 0  # received since a head or a piece of a body was last complete
        self._heads = 0  # that were complete
        self._in_head = False
        self._is_upgrade = False
        self._refusal: GatewayError | None = None  # once set, nothing more is read
        self._refused_method = ""  # as far as it is known

    @property
    def is_idle(self) -> bool:
        """Whether it has no request, and no part of one."""
        cycle = self.cycle
        has_request = cycle is not None and (not cycle.response_complete or cycle.more_body)
        return not (has_request or self._unparsed_bytes or self._refusal)

    @property
    def awaited(self) -> tuple[Awaited, int] | None:
        """What the client has to do, and with which request; None: nothing, or the app awaits the body itself."""
        cycle = self.cycle
        if cycle is not None and not cycle.response_complete:
            return None
        return (Awaited.BODY if cycle is not None and cycle.more_body else Awaited.HEAD), self._heads

    def refuse_late_head(self) -> None:
        """Answer a head that has not come in time with 408 (RFC 9110, section 15.5.9); blank lines are none."""
        if self._in_head:
            self._refuse(RequestTimeout())
        else:
            self.transport.close()

    def stop_keep_alive_timer(self) -> None:
        """Do not close the connection: a request has come that another protocol answers."""
        self._unset_keepalive_if_required()

    def data_received(self, data: bytes) -> None:
        """Parse; refuse a head that is too long."""
        if self._refusal:
            return
        self._unset_keepalive_if_required()
        self._unparsed_bytes += len(data)
        self._parse(data)
        if self._unparsed_bytes > self._max_header_bytes:
            self._refuse(HeadersTooLong())

    def _parse(self, data: bytes) -> None:
        """Parse; refuse a WebSocket. Parse other upgrades again without that header: httptools would see no body."""
        while data:
            try:
                self.parser.feed_data(data)
                return
            except HttpParserUpgrade as upgrade:
                if self._is_handshake():
                    self._open_websocket(data[upgrade.args[0] :])
                    return
                data = self._head_without_upgrade() + data[upgrade.args[0] :]
                self._renew_parser()
            except HttpParserError:
                self._refuse(HeadersTooLong() if len(self.url) > self._max_header_bytes else BadRequest())
                return

    def _is_handshake(self) -> bool:
        upgrade = b",".join(value for name, value in self.headers if name == b"upgrade").decode("latin-1")
        return is_handshake(self.parser.get_method().decode(), self.parser.get_http_version(), upgrade)

    def _open_websocket(self, early: bytes) -> None:
        """Hand the connection over, unless WebSockets are not served, or an earlier request is not answered."""
        busy = self.cycle is not None and not self.cycle.response_complete
        framed = any(name in (b"content-length", b"transfer-encoding") for name, _ in self.headers)
        if self._app.open_websocket is None:
            self._refuse(WebSocketsNotServed(), "GET")
        elif busy or framed or not self.url.isascii():
            self._refuse(BadRequest(), "GET")
        else:
            before = {self, self.transport.get_protocol()}
            try:
                self._app.open_websocket(self._handshake(), self.transport, early, self.server_state)
            except GatewayError as error:
                self._refuse(error, "GET")
            else:
                self.connections -= before

    def _handshake(self) -> HttpRequest:
        path, _, query = self.url.decode("ascii").partition("?")
        headers = [(canonical_of_bytes(name), value.decode("latin-1")) for name, value in self.headers]
        client, port = self.client[0] if self.client else "", self.server[1] if self.server else None
        return HttpRequest("GET", path, query, headers, b"", client, "HTTP/1.1", port)

    def _renew_parser(self) -> None:
        """Go on with another parser: if the connection closes after the request, this one takes no more bytes."""
        self.parser = HttpRequestParser(self)
        self.parser.set_dangerous_leniencies(lenient_data_after_close=True)  # as uvicorn sets it

    def _head_without_upgrade(self) -> bytes:
        request_line = b"%b %b HTTP/%b" % (self.parser.get_method(), self.url, self.parser.get_http_version().encode())
        lines = [b"%b: %b" % header for header in self.headers if header[0] != b"upgrade"]
        return b"\r\n".join([request_line, *lines, b"", b""])

    def eof_received(self) -> bool:  # type: ignore[override]  # uvicorn's always closes
        """Answer complete requests, then close: a client that ends its side may still read."""
        cycle = self.cycle
        if cycle is None or cycle.response_complete or cycle.more_body:
            return False
        cycle.keep_alive = False
        cycle.message_event.set()  # most such clients have gone: cancel a request that no thread has begun
        return True

    def on_message_begin(self) -> None:
        """A head begins."""
        self._in_head = True
        super().on_message_begin()

    def on_header(self, name: bytes, value: bytes) -> None:
        """Keep a header without trailing blanks; drop a trailer field."""
        if self._in_head:
            super().on_header(name, value.rstrip(b" \t"))

    def on_headers_complete(self) -> None:
        """Serve the request.

        Raises:
            HttpParserError: this is not HTTP/1.0 or 1.1, or wants a tunnel.
        """
        self._in_head = False
        self._heads += 1
        self._unparsed_bytes = 0
        if self.parser.get_http_version() not in VERSIONS or self.parser.get_method() == b"CONNECT":
            raise HttpParserError
        if not self.url.startswith(b"/") and (url := split_url(self.url.decode("latin-1"))):
            self._use(*url)
        self._is_upgrade = self.parser.should_upgrade()
        if not self._is_upgrade:
            super().on_headers_complete()

    def _use(self, host: str, target: str) -> None:
        """Serve a target that is a URL as its path, with its host; httptools leaves both to the server."""
        self.url = target.encode("latin-1")
        self.headers[:] = [(name, host.encode() if name == b"host" else value) for name, value in self.headers]

    def on_body(self, body: bytes) -> None:
        """Take a piece of a body."""
        self._unparsed_bytes = 0
        super().on_body(body)

    def on_message_complete(self) -> None:
        """A request has arrived whole."""
        self._unparsed_bytes = 0
        if not self._is_upgrade:
            super().on_message_complete()

    def _refuse(self, error: GatewayError, method: str = "") -> None:
        """Send an error after the responses to earlier requests, and close: later bytes cannot be trusted."""
        if self._refusal or self.transport.is_closing():
            return
        self._refusal, self._refused_method = error, method
        if self.cycle is not None and self.cycle.response_complete and not self._in_head and self.cycle.more_body:
            self.transport.close()  # the error is in the rest of a request that was answered early
        elif self.pipeline and self.cycle.more_body:
            self.pipeline.popleft()  # the newest: the error is in its body
        elif self.cycle is None or self.cycle.response_complete or self.cycle.more_body:
            self._send_refusal(error)

    def on_response_complete(self) -> None:
        """Serve the next request, or send the error."""
        if self._refusal and not self.pipeline:
            self._send_refusal(self._refusal)
        else:
            super().on_response_complete()

    def _send_refusal(self, error: GatewayError) -> None:
        if self.transport.is_closing():
            return
        response = self._app.gateway.refuse(error, self._refused_method, self.client[0] if self.client else "")
        self.transport.write(head_of(response, self.server_state.default_headers, ends=True) + response.body)
        self.transport.close()

    def _should_upgrade_to_ws(self) -> bool:
        return False


def head_of(response: HttpResponse, own: list[tuple[bytes, bytes]], *, ends: bool) -> bytes:
    """Write a response's head.

    Args:
        response: what is sent.
        own: headers of the server.
        ends: whether the connection closes after it.

    Raises:
        ValueError: a header has a line break, which the gateway should have refused.
    """
    headers = response.wire_headers()
    lines = "".join([f"{lowered(name)}: {value}\r\n" for name, value in headers])
    if lines.count("\n") != len(headers):
        raise ValueError("a header has a line break")
    server = b"".join([b"%b: %b\r\n" % header for header in own])
    connection = b"connection: close\r\n" if ends else b""
    return b"%b%b%b%b\r\n" % (STATUS_LINE[response.status], server, lines.encode("latin-1"), connection)
