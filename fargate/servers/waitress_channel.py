"""One connection under waitress: strict parsing, API Gateway's words for errors, and an end that loses no answer."""

import re
import socket
import time
from typing import Any

from waitress.channel import HTTPChannel
from waitress.parser import HTTPRequestParser, ParsingError, TransferEncodingNotImplemented
from waitress.task import ErrorTask, WSGITask

from fargate.errors import BadGateway, BadRequest, GatewayError, HeadersTooLong, NotSupported, RequestTooLong
from fargate.http.framing import check_framing
from fargate.http.messages import Header, canonical, status_line
from fargate.wsgi import HEADERS_KEY, WsgiAdapter

LINGER_SECONDS = 2.0
LINGER_BYTES = 64 * 1024 * 1024
_FOLDED = re.compile(rb"\r\n[ \t]")
_FIELD = re.compile(r"([^:]+):[ \t]*(.*?)[ \t]*")
_TARGET = re.compile(r"(?:/|[A-Za-z][A-Za-z0-9+.-]*://)[!-~]*")


_ERRORS: dict[int, type[GatewayError]] = {
    400: BadRequest,
    413: RequestTooLong,
    431: HeadersTooLong,
    500: BadGateway,
    501: NotSupported,
}


class StrictParser(HTTPRequestParser):  # type: ignore[misc]
    """Refuses messages that another server might frame differently (request smuggling, RFC 9112, section 6.3)."""

    header_lines: bytes = b""
    _fields: list[Header] | None = None

    def received(self, data: bytes) -> int:
        """Take what came; whoever has sent all, or is refused, is not told to go on: waitress would wait for more."""
        consumed: int = super().received(data)
        if self.completed:
            self.expect_continue = False
        return consumed

    def parse_header(self, header_plus: bytes) -> None:
        """Parse the request line and the headers; keep the headers as they came."""
        _, _, self.header_lines = header_plus.partition(b"\r\n")
        if _FOLDED.search(header_plus):
            raise ParsingError("A header is folded over lines")
        try:
            super().parse_header(header_plus)
            self._check()
        except (ValueError, BadRequest) as error:  # ValueError: from urllib, where the target is no URL
            raise ParsingError(str(error)) from None
        except NotSupported as error:
            raise TransferEncodingNotImplemented(str(error)) from None

    def _check(self) -> None:
        if self.version not in ("1.0", "1.1") or not _TARGET.fullmatch(self.request_uri):
            raise BadRequest
        check_framing(self.version, self.fields())

    @property
    def body_bytes_received(self) -> int:
        """How much of the body counts against its limit: what frames the chunks does not, as long as it is sane."""
        body: Any = self.body_rcv
        if body is None:
            return 0
        if self.chunked and len(body.control_line) + len(body.trailer) > self.adj.max_request_header_size:
            return int(self.adj.max_request_body_size)
        return len(body)

    @body_bytes_received.setter
    def body_bytes_received(self, _wire_bytes: int) -> None:
        """Do without waitress's own count."""

    def fields(self) -> list[Header]:
        """Return the headers one by one, in the order received; waitress itself joins repeated ones."""
        if self._fields is None:
            matches = (_FIELD.fullmatch(line) for line in self.header_lines.decode("latin-1").split("\r\n"))
            self._fields = [(canonical(each[1]), each[2]) for each in matches if each]
        return self._fields


class GatewayErrorTask(ErrorTask):  # type: ignore[misc]
    """Answers what never reaches the app with `{"message": ...}`."""

    def execute(self) -> None:
        """Send the answer and close: what follows on the connection cannot be trusted."""
        error = _ERRORS.get(self.request.error.code, BadRequest)()
        self._tell(error)
        self.status = status_line(error.status)
        self.response_headers.append(("Content-Type", "application/json"))
        self.request.headers["CONNECTION"] = "close"  # waitress would promise HTTP/1.0 clients to keep it, too
        self.content_length = len(error.body)
        self.channel.linger = True
        self.write(error.body)

    def _tell(self, error: GatewayError) -> None:
        """Have the refusal logged and counted; another app than a door of ours is not told."""
        app = self.channel.server.application
        if isinstance(app, WsgiAdapter):
            app.gateway.refuse(error, getattr(self.request, "command", ""), self.channel.addr[0])


class RequestTask(WSGITask):  # type: ignore[misc]
    """Serves a request; while the server drains, its answer tells the client to open another connection elsewhere.

    Of requests that came together over a connection the last answer says so: a client may not expect any after it.
    """

    close_on_finish: bool

    def service(self) -> None:
        """Serve the request, and tell how long it waited for this thread."""
        app = self.channel.server.application
        if isinstance(app, WsgiAdapter):
            app.gateway.telemetry.queued(time.monotonic() - self.channel.queued_at)
        super().service()

    def finish(self) -> None:
        """Send what was written: head and body in one piece, by this thread."""
        super().finish()
        self.channel.send_now()

    def build_response_header(self) -> bytes:
        """Return the response's head."""
        if self.channel.server.drain.lifecycle.is_draining and len(self.channel.requests) <= 1:
            self.request.headers["CONNECTION"] = "close"  # as if the client had asked for it: HTTP/1.0 clients, too
        asked_to_close = bool(self.close_on_finish) or self.request.headers.get("CONNECTION", "").lower() == "close"
        head: bytes = super().build_response_header()
        if self.has_body or asked_to_close or self.version != "1.1":
            return head
        # waitress closes after every answer without Content-Length; one that cannot have a body needs none to end.
        self.close_on_finish = False
        return head.replace(b"Connection: close\r\n", b"", 1)

    def get_environment(self) -> dict[str, Any]:
        """Return the WSGI environment, with the headers as they came beside it."""
        environ: dict[str, Any] = super().get_environment()
        environ[HEADERS_KEY] = self.request.fields()
        return environ


class Channel(HTTPChannel):  # type: ignore[misc]
    """A connection that, after refusing a body, reads on for a moment before it closes.

    Closing a socket with unread input resets the connection, and the client loses the answer that says why
    (RFC 9112, section 9.6).
    """

    parser_class = StrictParser
    task_class = RequestTask
    error_task_class = GatewayErrorTask

    linger = False
    queued_at = 0.0  # when its next request was queued, on the monotonic clock
    _lingering_until: float | None = None
    _lingered_bytes = 0

    @property
    def is_busy(self) -> bool:
        """True while a request is served, or an answer is on its way."""
        return bool(self.requests or self.total_outbufs_len or self.close_when_flushed or self._lingering_until)

    def readable(self) -> bool:
        """Read requests, or what is left of a refused one."""
        return bool(self._lingering_until or super().readable())

    def writable(self) -> bool:
        """Write answers; a lingering connection asks for its turn only to close."""
        if self._lingering_until:
            return time.monotonic() > self._lingering_until
        if self.requests and self.total_outbufs_len < self.adj.send_bytes:
            return bool(self.will_close)  # the thread that serves sends it: the loop could only turn in circles
        return bool(super().writable())

    def send_now(self) -> None:
        """Send what is there; what the client does not take at once is left to the loop."""
        with self.outbuf_lock:
            self._flush_exception(self._flush_some, do_close=False)

    def handle_read(self) -> None:
        """Read; what belongs to a refused request is thrown away."""
        if not self._lingering_until:
            super().handle_read()
            return
        try:
            data = self.recv(self.adj.recv_bytes)  # closes at the end of input
        except OSError:
            self._close()
            return
        self._lingered_bytes += len(data)
        if self._lingered_bytes > LINGER_BYTES:
            self._close()

    def handle_write(self) -> None:
        """Write; or close a connection that has lingered long enough."""
        if self._lingering_until:
            self._close()
        else:
            super().handle_write()

    def handle_close(self) -> None:
        """Close, after lingering where the request was refused."""
        if not self.linger or self._lingering_until or not self.connected:
            self._close()
            return
        self._lingering_until = time.monotonic() + LINGER_SECONDS
        self.will_close = False
        try:
            self.socket.shutdown(socket.SHUT_WR)
        except OSError:
            self._close()

    def _close(self) -> None:
        self._lingering_until = None
        super().handle_close()
