"""Calls the app's three handlers of WebSockets, and reads what they answer. Runs in worker threads."""

import json
import time
from collections.abc import Callable, Iterable, Mapping
from typing import NamedTuple

from fargate.gateway.event import Event, EventBuilder, Many, domain_name, query_of
from fargate.handlers.catalog import Handler
from fargate.handlers.invocation import Answer, Invoker
from fargate.handlers.kinds import Kind
from fargate.http.identifiers import IdentifierSource, RequestIds
from fargate.http.messages import HOP_BY_HOP, HttpRequest, last_value
from fargate.websockets.events import Opened, connect_event, disconnect_event, message_event

KINDS = (Kind.WS_CONNECT, Kind.WS_MESSAGE, Kind.WS_DISCONNECT)

FORBIDDEN, FAILED = "Forbidden", "Internal server error"
"""What API Gateway tells the client: no handler, or a refusal; and a handler that raised."""

_PROTOCOL = "sec-websocket-protocol"


class Admission(NamedTuple):
    """What becomes of a handshake."""

    refusal: str  # the body of a 403; empty: it is accepted
    subprotocol: str | None = None  # that the handler has chosen


class SocketHandlers:
    """The handlers of WebSockets of one app. Thread-safe.

    Args:
        handlers: all handlers of the app.
        invoker: calls them.
        builder: makes the headers that the app sees.
        seconds: the remaining time that a handler sees at first.
        clock: seconds since the epoch.
    """

    def __init__(
        self,
        handlers: Iterable[Handler],
        invoker: Invoker,
        builder: EventBuilder,
        seconds: float,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._handlers: Mapping[Kind, Handler] = {each.kind: each for each in handlers if each.kind in KINDS}
        self._invoker = invoker
        self._builder = builder
        self.stage = builder.stage
        self._seconds = seconds
        self._clock = clock
        self._identifiers = IdentifierSource()

    def open(self, request: HttpRequest, connection_id: str) -> Opened:
        """Return what a handshake says of its client."""
        host = last_value(request.headers, "Host") or ""
        return Opened(
            connection_id,
            domain_name(host),
            self.stage,
            host,
            self._builder.source_of(request),
            last_value(request.headers, "User-Agent") or "",
            self._clock(),
        )

    def connect(self, request: HttpRequest, opened: Opened) -> Admission:
        """Ask the app whether to accept a connection; without a handler it is accepted."""
        trace_header = last_value(request.headers, "X-Amzn-Trace-Id")
        ids = self._identifiers.next(trace_header, None, self._clock())
        event = connect_event(opened, ids, self._clock(), self._headers(request, ids), query_of(request.query))
        answer = self._call(Kind.WS_CONNECT, event, opened, ids)
        if answer is None:
            return Admission("")
        headers = _accepted(answer)
        if headers is None:
            return Admission(problem(FORBIDDEN, opened, ids))
        return Admission("", next((value for name, value in headers.items() if name.lower() == _PROTOCOL), None))

    def message(self, opened: Opened, body: str) -> str | None:
        """Hand a message to the app; return what to tell the client if that fails."""
        ids = self._ids()
        answer = self._call(Kind.WS_MESSAGE, message_event(opened, ids, self._clock(), body), opened, ids)
        if answer is None:
            return problem(FORBIDDEN, opened, ids)
        return None if answer.error is None else problem(FAILED, opened, ids)

    def disconnect(self, opened: Opened, code: int, reason: str) -> None:
        """Tell the app that a connection has ended."""
        ids = self._ids()
        self._call(Kind.WS_DISCONNECT, disconnect_event(opened, ids, self._clock(), code, reason), opened, ids)

    def _call(self, kind: Kind, event: Event, opened: Opened, ids: RequestIds) -> Answer | None:
        handler = self._handlers.get(kind)
        if handler is None:
            return None
        more = {"connection_id": opened.connection_id, "extended_request_id": ids.extended_id}
        return self._invoker.invoke(handler, event, self._seconds, ids.trace_header, more)

    def _ids(self) -> RequestIds:
        return self._identifiers.next(None, None, self._clock())

    def _headers(self, request: HttpRequest, ids: RequestIds) -> Many:
        kept = [(_spelled(name), value) for name, value in request.headers if name not in HOP_BY_HOP]
        return self._builder.headers_of(request._replace(headers=kept), ids)


def _spelled(name: str) -> str:
    """Spell a header's name as clients and API Gateway do, `Sec-WebSocket-Key`."""
    return name.replace("Sec-Websocket-", "Sec-WebSocket-")


def problem(message: str, opened: Opened, ids: RequestIds) -> str:
    """Write an error as API Gateway sends it to the client of a WebSocket."""
    fields = {"message": message, "connectionId": opened.connection_id, "requestId": ids.extended_id}
    return json.dumps(fields, separators=(",", ":"))


def _accepted(answer: Answer) -> Mapping[str, str] | None:
    """Return the headers of a handler's response that accepts a connection, with a status of 2xx; else None."""
    if answer.error is not None:
        return None
    try:
        response = json.loads(answer.payload)
    except ValueError:  # bytes, which no decorator of Chalice's returns
        return None
    status = response.get("statusCode") if isinstance(response, dict) else None
    if not isinstance(status, int) or not 200 <= status < 300:
        return None
    headers = response.get("headers")
    return headers if isinstance(headers, dict) else {}
