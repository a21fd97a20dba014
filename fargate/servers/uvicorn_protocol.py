"""One connection under uvicorn: a bounded head, trailers kept out of the headers, API Gateway's words for errors."""

from typing import Any

from httptools import HttpParserError, HttpParserUpgrade
from uvicorn.config import Config
from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol

from fargate.asgi import AsgiAdapter
from fargate.errors import BadRequest, GatewayError, HeadersTooLong

VERSIONS = ("1.0", "1.1")
DEFAULT_HEADER_BYTES = 64 * 1024


class StrictProtocol(HttpToolsProtocol):
    """What httptools lets through and a server must not.

    It holds a head of any length in memory, takes any version, and reports the fields of a chunked body's trailer as if
    they were headers, which lets a client add headers behind the back of a proxy that removes them (RFC 9110, section
    6.5.1).
    """

    def __init__(self, config: Config, *args: Any, **kwargs: Any) -> None:
        super().__init__(config, *args, **kwargs)
        self._max_header_bytes = config.h11_max_incomplete_event_size or DEFAULT_HEADER_BYTES
        self._unparsed_bytes = 0  # received since a head or a piece of a body was last complete
        self._in_head = True
        self._is_upgrade = False
        self._refusal: GatewayError | None = None  # once set, nothing more is read

    def data_received(self, data: bytes) -> None:
        """Parse what came; give up on a head that does not end."""
        if self._refusal:
            return
        self._unset_keepalive_if_required()
        self._unparsed_bytes += len(data)
        self._parse(data)
        if self._unparsed_bytes > self._max_header_bytes:
            self._refuse(HeadersTooLong())

    def _parse(self, data: bytes) -> None:
        """Parse; a request to upgrade is parsed once more without its wish, since httptools would not see its body."""
        while data:
            try:
                self.parser.feed_data(data)
                return
            except HttpParserUpgrade as upgrade:
                data = self._head_without_upgrade() + data[upgrade.args[0] :]
            except HttpParserError:
                self._refuse(HeadersTooLong() if len(self.url) > self._max_header_bytes else BadRequest())
                return

    def _head_without_upgrade(self) -> bytes:
        request_line = b"%b %b HTTP/%b" % (self.parser.get_method(), self.url, self.parser.get_http_version().encode())
        lines = [b"%b: %b" % header for header in self.headers if header[0] != b"upgrade"]
        return b"\r\n".join([request_line, *lines, b"", b""])

    def eof_received(self) -> bool:  # type: ignore[override]  # uvicorn's always closes
        """Answer what was asked whole, and close then: whoever ends its side of a connection may still listen."""
        cycle = self.cycle
        if cycle is None or cycle.response_complete or cycle.more_body:
            return False
        cycle.keep_alive = False
        cycle.message_event.set()  # most have gone: a request that no thread has begun is not worth beginning
        return True

    def on_message_begin(self) -> None:
        """A head begins."""
        self._in_head = True
        super().on_message_begin()

    def on_header(self, name: bytes, value: bytes) -> None:
        """Keep a header, without the blanks at its end; drop a trailer."""
        if self._in_head:
            super().on_header(name, value.rstrip(b" \t"))

    def on_headers_complete(self) -> None:
        """Serve the request.

        Raises:
            HttpParserError: this is not HTTP/1.0 or 1.1, or wants a tunnel.
        """
        self._in_head = False
        self._unparsed_bytes = 0
        if self.parser.get_http_version() not in VERSIONS or self.parser.get_method() == b"CONNECT":
            raise HttpParserError
        self._is_upgrade = self.parser.should_upgrade()
        if not self._is_upgrade:
            super().on_headers_complete()

    def on_body(self, body: bytes) -> None:
        """Take a piece of a body."""
        self._unparsed_bytes = 0
        super().on_body(body)

    def on_message_complete(self) -> None:
        """A request has arrived whole."""
        self._unparsed_bytes = 0
        if not self._is_upgrade:
            super().on_message_complete()

    def _refuse(self, error: GatewayError) -> None:
        """Answer with an error once every request before it is answered, and close: what follows cannot be trusted."""
        if self._refusal or self.transport.is_closing():
            return
        self._refusal = error
        if self.cycle is not None and self.cycle.response_complete and not self._in_head and self.cycle.more_body:
            self.transport.close()  # what is wrong is the rest of a request that was answered early
        elif self.pipeline and self.cycle.more_body:
            self.pipeline.popleft()  # the newest: its body is what cannot be understood
        elif self.cycle is None or self.cycle.response_complete or self.cycle.more_body:
            self._send_refusal(error)

    def on_response_complete(self) -> None:
        """Go on with the next request, or with the refusal."""
        if self._refusal and not self.pipeline:
            self._send_refusal(self._refusal)
        else:
            super().on_response_complete()

    def _send_refusal(self, error: GatewayError) -> None:
        if self.transport.is_closing():
            return
        door = self.config.app
        if isinstance(door, AsgiAdapter):
            door.gateway.refuse(error, peer=self.client[0] if self.client else "")
        head = b"content-type: application/json\r\ncontent-length: %d\r\nconnection: close\r\n\r\n" % len(error.body)
        self.transport.write(STATUS_LINE[error.status] + head + error.body)
        self.transport.close()

    def _should_upgrade_to_ws(self) -> bool:
        return False
