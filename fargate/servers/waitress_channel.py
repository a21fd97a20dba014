"""One connection of waitress: strict parsing, errors in API Gateway's shape, no response lost when it closes."""

import re
import socket
import time
from typing import Any

from waitress.channel import HTTPChannel
from waitress.parser import HTTPRequestParser, ParsingError, TransferEncodingNotImplemented
from waitress.task import ErrorTask, WSGITask
from waitress.utilities import BadRequest as Malformed
from waitress.utilities import Error

from fargate.errors import (
    BadGateway,
    BadRequest,
    GatewayError,
    HeadersTooLong,
    NotSupported,
    RequestTimeout,
    RequestTooLong,
)
from fargate.gateway.core import error_response
from fargate.http.framing import check_framing
from fargate.http.messages import Header, canonical, has_no_body, split_url, status_line
from fargate.servers.limits import Limits
from fargate.wsgi import HEADERS_KEY

LINGER_SECONDS = 2.0
LINGER_BYTES = 64 * 1024 * 1024
_FOLDED = re.compile(rb"\r\n[ \t]")
_FIELD = re.compile(r"([^:]+):[ \t]*(.*?)[ \t]*")
_TRAILER = re.compile(rb"(?:[!#$%&'*+.^_`|~0-9A-Za-z-]+:[\t -~\x80-\xff]*\r\n)+\r\n")
_TARGET = re.compile(r"(?:/|[A-Za-z][A-Za-z0-9+.-]*://)[!-~]*")
_ERRORS: dict[int, type[GatewayError]] = {
    400: BadRequest,
    408: RequestTimeout,
    413: RequestTooLong,
    431: HeadersTooLong,
    500: BadGateway,
    501: NotSupported,
}


class StrictParser(HTTPRequestParser):  # type: ignore[misc]
    """Refuses messages that another server might frame differently (request smuggling, RFC 9112, section 6.3).

    Keeps the headers as received.
    """

    header_lines: bytes = b""
    refusal: GatewayError | None = None  # where waitress' own error does not say enough
    _fields: list[Header] | None = None
    _part = 0, 0.0
    empty: bool
    error: Error | None
    header_plus: bytes
    headers_finished: bool

    def received(self, data: bytes) -> int:
        """Parse; return how many bytes were used."""
        if not self.has_begun and _is_indented(data):
            self.error, self.completed = Malformed("A blank before the request line"), True
            return len(data)
        consumed: int = super().received(data)
        if self.empty:  # blank lines before a request (RFC 9112, section 2.2) do not begin a connection's time again
            self.empty = self.completed = self.headers_finished = False
            self.header_plus, self.header_bytes_received = b"", 0
        if self.completed and self.chunked and not _is_trailer(self.body_rcv.trailer):
            self.error = Malformed("Invalid trailer")
        if self.completed:
            self.expect_continue = False  # the body is here or refused: after "100 Continue" waitress would wait for it
        return consumed

    def parse_header(self, header_plus: bytes) -> None:
        line, _, self.header_lines = header_plus.partition(b"\r\n")
        if line != line.rstrip():
            raise ParsingError("The request line has a tail")
        if _FOLDED.search(header_plus):
            raise ParsingError("A header is folded over lines")
        try:
            super().parse_header(header_plus)
            self._check()
        except (ValueError, BadRequest) as error:  # ValueError: urllib cannot parse the target
            raise ParsingError(str(error)) from None
        except NotSupported as error:
            self.refusal = error
            raise TransferEncodingNotImplemented(str(error)) from None

    def _check(self) -> None:
        if self.version not in ("1.0", "1.1") or not _TARGET.fullmatch(self.request_uri):
            raise BadRequest
        if not self.request_uri.startswith("/") and (url := split_url(self.request_uri)):
            self._fields = [(name, url[0] if name == "Host" else value) for name, value in self.fields()]
        check_framing(self.command, self.version, self.fields())

    @property
    def has_begun(self) -> bool:
        """Whether anything but blank lines has come."""
        return self.headers_finished or not _is_blank(self.header_plus)

    def is_late(self, limits: Limits, now: float) -> bool:
        """Return whether its head or its body takes too long, counted from the first call during that part."""
        part = 1 + self.headers_finished
        if self._part[0] != part:
            self._part = part, now
        return now - self._part[1] >= (limits.body_seconds if self.headers_finished else limits.head_seconds)

    @property
    def body_bytes_received(self) -> int:
        """How much of the body counts against its limit: without chunk framing, unless that is too long by itself."""
        body: Any = self.body_rcv
        if body is None:
            return 0
        if self.chunked and len(body.control_line) + len(body.trailer) > self.adj.max_request_header_size:
            return int(self.adj.max_request_body_size)
        return len(body)

    @body_bytes_received.setter
    def body_bytes_received(self, _wire_bytes: int) -> None:
        """Ignore waitress' own count."""

    def fields(self) -> list[Header]:
        """Return the headers in the order received; waitress joins repeated ones."""
        if self._fields is None:
            matches = (_FIELD.fullmatch(line) for line in self.header_lines.decode("latin-1").split("\r\n"))
            self._fields = [(canonical(each[1]), each[2]) for each in matches if each]
        return self._fields


def _is_blank(head: bytes) -> bool:
    return not head or head.isspace()  # `strip` would copy it, for each byte of a slow client


def _is_indented(data: bytes) -> bool:
    """Return whether something else than line breaks comes before the request line; waitress strips it."""
    return data.lstrip(b"\r\n")[:1].isspace()


def _is_trailer(section: bytes) -> bool:
    """Return whether the lines after the last chunk are fields: a proxy might see a request in any others."""
    return not section.endswith(b"\r\n\r\n") or _TRAILER.fullmatch(section) is not None


class TimedOut(Error):  # type: ignore[misc]
    """waitress' form of a request that did not come in time."""

    code = 408
    reason = "Request Timeout"


class GatewayErrorTask(ErrorTask):  # type: ignore[misc]
    """Responds with `{"message": ...}` to a request that never reaches the app."""

    def execute(self) -> None:
        error = self.request.refusal or _ERRORS.get(self.request.error.code, BadRequest)()
        method = getattr(self.request, "command", "")
        if self.channel.server.gateway is not None:
            self.channel.server.gateway.refuse(error, method, self.channel.addr[0])
        self.status = status_line(error.status)
        self.response_headers.extend(error_response(error).headers)
        self.request.headers["CONNECTION"] = "close"  # also for HTTP/1.0: later bytes cannot be trusted
        self.content_length = len(error.body)
        self.channel.linger = True
        self.write(b"" if has_no_body(error.status, method) else error.body)


class RequestTask(WSGITask):  # type: ignore[misc]
    """Serves a request. While the server drains, the response says `Connection: close`.

    Of pipelined requests only the last response says so: a client expects none after it.
    """

    close_on_finish: bool

    def service(self) -> None:
        if self.channel.server.gateway is not None:
            self.channel.server.gateway.telemetry.queued(time.monotonic() - self.channel.queued_at)
        super().service()

    def finish(self) -> None:
        super().finish()
        self.channel.send_now()

    def build_response_header(self) -> bytes:
        connection = self.request.headers.get("CONNECTION", "").lower()
        is_last = self.channel.server.drain.lifecycle.is_draining and len(self.channel.requests) <= 1
        if is_last or _lists_close(connection):
            connection = self.request.headers["CONNECTION"] = "close"  # as if no other option were there
        asked_to_close = bool(self.close_on_finish) or connection == "close"
        head: bytes = super().build_response_header()
        if self.has_body or asked_to_close or self.version != "1.1":
            return head
        # waitress closes after each response without Content-Length, but one without a body does not need it.
        self.close_on_finish = False
        return head.replace(b"Connection: close\r\n", b"", 1)

    def get_environment(self) -> dict[str, Any]:
        environ: dict[str, Any] = super().get_environment()
        environ[HEADERS_KEY] = self.request.fields()
        return environ


def _lists_close(connection: str) -> bool:
    """Tell whether `close` is one of a Connection header's options (RFC 9112, section 9.6)."""
    return "close" in connection and "close" in map(str.strip, connection.split(","))


class Channel(HTTPChannel):  # type: ignore[misc]
    """A connection that lingers after it has refused a body: it discards input for a moment before it closes.

    Closing a socket with unread input resets the connection, and the client loses the response (RFC 9112, section 9.6).
    Its times are on the monotonic clock: waitress writes the time of day, which may step back.
    """

    parser_class = StrictParser
    task_class = RequestTask
    error_task_class = GatewayErrorTask

    request: StrictParser | None
    linger = False
    queued_at = 0.0  # when its next request was queued, on the monotonic clock
    _lingering_until: float | None = None
    _lingered_bytes = 0
    _active_at = 0.0

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.creation_time = self._active_at

    @property
    def last_activity(self) -> float:
        """When it last received or sent something."""
        return self._active_at

    @last_activity.setter
    def last_activity(self, _time_of_day: float) -> None:
        self._active_at = time.monotonic()

    @property
    def is_receiving(self) -> bool:
        """True once a request has begun to come, and until it is complete."""
        return self.request is not None and self.request.has_begun

    @property
    def is_settled(self) -> bool:
        """Whether only an event can change what it waits for: no thread works on it, nothing is sent or closed."""
        expects = self.request is not None and "EXPECT" in self.request.headers  # a thread sends 100 Continue
        return not (self.is_busy or self.will_close or expects)

    def sweep(self, limits: Limits, now: float) -> None:
        """End what takes too long: a request that comes slowly, a response that is not read, a silence."""
        if self.requests or self._lingering_until:
            return
        if self.request is not None and not self.total_outbufs_len:
            if self.request.is_late(limits, now):
                self._give_up()
        elif now - self.last_activity >= limits.idle_seconds:
            self.linger = False
            self.handle_close()

    def _give_up(self) -> None:
        """Answer a request that has not come in time with 408 (RFC 9110, section 15.5.9); blank lines are none."""
        request = self.request
        if request is None or not request.has_begun:
            self.handle_close()
            return
        request.error, request.completed = TimedOut(""), True
        with self.requests_lock:
            self.request = None
            self.requests.append(request)
        self.server.add_task(self)
        self.server.watch(self)

    @property
    def is_busy(self) -> bool:
        """True while a request is served or a response is being sent."""
        return bool(self.requests or self.total_outbufs_len or self.close_when_flushed or self._lingering_until)

    def readable(self) -> bool:
        return bool(self._lingering_until or super().readable())

    def writable(self) -> bool:
        """Whether the loop calls `handle_write`; for a lingering connection, once it is time to close."""
        if self._lingering_until:
            return time.monotonic() > self._lingering_until
        if self.requests and self.total_outbufs_len < self.adj.send_bytes:
            return bool(self.will_close)  # the serving thread sends it; the loop would only spin
        return bool(super().writable())

    def send_now(self) -> None:
        """Send from this thread; the loop sends what the client does not take at once."""
        with self.outbuf_lock:
            self._flush_exception(self._flush_some, do_close=False)

    def handle_read(self) -> None:
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
        if self._lingering_until:
            self._close()
        else:
            super().handle_write()

    def handle_close(self) -> None:
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
