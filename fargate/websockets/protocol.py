"""One WebSocket: bytes to messages and back (RFC 6455), with API Gateway's limits.

What must hold: the handlers of one connection run one after the other, in the order of its messages; the handler of the
end runs once, after all others, for each connection that was accepted, however it ends.
"""

import asyncio
import contextlib
import functools
import logging
import re
import threading
import time
from collections import deque
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar

from wsproto import ConnectionType, WSConnection
from wsproto.connection import ConnectionState
from wsproto.events import (
    AcceptConnection,
    BytesMessage,
    CloseConnection,
    Event,
    Message,
    Ping,
    RejectConnection,
    RejectData,
    Request,
    TextMessage,
)
from wsproto.utilities import LocalProtocolError, RemoteProtocolError

from fargate.http.messages import HttpRequest, last_value
from fargate.websockets.connections import ClientTooSlow, Gone, Information, MessageTooLong, Unreachable
from fargate.websockets.events import Opened
from fargate.websockets.metrics import Handshake

if TYPE_CHECKING:
    from fargate.websockets.sockets import ServerConnections, Sockets

logger = logging.getLogger("fargate")

Result = TypeVar("Result")

_KEY = re.compile(r"[A-Za-z0-9+/]{22}==")
"""16 bytes as base64 (RFC 6455, section 4.2.1), which wsproto does not check."""

NORMAL, GOING_AWAY, BAD_TYPE, ABNORMAL, TOO_LONG = 1000, 1001, 1003, 1006, 1009
"""Codes of close frames (RFC 6455, section 7.4.1)."""

MOST_WAITING = 16
"""Nothing more is read while so many messages wait for their handler."""
MOST_UNSENT_BYTES = 1024 * 1024
"""While a client has not read so much, it is sent nothing more."""
CLOSE_SECONDS = 5.0
"""How long a client may take to answer a close frame, and to read what was sent before."""
LOOP_SECONDS = 3.0
"""How long a thread waits for the event loop to close a connection, or to tell about it."""


@dataclass(frozen=True, slots=True)
class SocketLimits:
    """API Gateway's quotas."""

    message_bytes: int
    frame_bytes: int  # of a message's frame
    idle_seconds: float  # without a byte from the client or a message to it
    whole_seconds: float  # since the handshake


class SocketProtocol(asyncio.Protocol):
    """One connection, from its handshake on. Only `post`, `close` and `information` may be called by any thread."""

    is_idle = False  # the server does not close it to make room

    def __init__(self, opened: Opened, sockets: "Sockets", server: "ServerConnections") -> None:
        self.opened = opened
        self._sockets = sockets
        self._metrics = sockets.metrics
        self._server = server
        self._loop = asyncio.get_running_loop()
        self._thread = threading.get_ident()
        self._wire = WSConnection(ConnectionType.SERVER)
        self._is_open = False  # accepted, and no close frame has been sent or received
        self._ended: tuple[int, str] | None = None  # the code and the reason of its end
        self._is_leaving = False  # the server stops
        self._inbox: deque[str] = deque()
        self._arrived = asyncio.Event()
        self._pieces: list[str] = []  # of a message that has not arrived whole
        self._message_bytes = self._frame_bytes = 0
        self._began = self._active_at = time.monotonic()
        self._closing: asyncio.TimerHandle | None = None
        self._reads = True  # the client, what is sent to it
        self._lock = threading.Lock()  # guards the next two
        self._outbox: list[str | bytes] = []  # what threads have sent, and the loop has not
        self._unsent = 0  # bytes in it

    def begin(self, request: HttpRequest, transport: Any, early: bytes) -> None:
        """Ask the app, and go on as it says; until then nothing is read."""
        self._transport = transport
        transport.pause_reading()
        transport.set_protocol(self)
        transport.set_write_buffer_limits(MOST_UNSENT_BYTES)
        self._server.connections.add(self)
        self._sockets.held += 1
        task = self._loop.create_task(self._live(request, early))
        self._server.tasks.add(task)
        task.add_done_callback(self._forget)

    def _forget(self, task: "asyncio.Task[None]") -> None:
        self._server.tasks.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            self._abort(error)

    def _abort(self, error: BaseException) -> None:
        logger.error("A WebSocket is closed for an error of the adapter", exc_info=error)
        self._transport.abort()

    async def _live(self, request: HttpRequest, early: bytes) -> None:
        offered = self._read_handshake(request)
        if offered is None or not await self._admit(request, offered):
            self._close()
            return
        self._read_on(early)
        try:
            while (message := await self._next()) is not None:
                await self._handle(message)
        except Exception as error:  # noqa: BLE001  logged; the app is told of the end all the same
            self._abort(error)
        code, reason = self._ended or (ABNORMAL, "")
        await self._sockets.run(functools.partial(self._sockets.handlers.disconnect, self.opened, code, reason))

    def _read_handshake(self, request: HttpRequest) -> Request | None:
        """Return the handshake, unless it breaks RFC 6455, section 4.2.1; it is then answered 400 or 426."""
        lines = [f"GET {request.path} HTTP/1.1", *(f"{name}: {value}" for name, value in request.headers), "", ""]
        try:
            self._wire.receive_data("\r\n".join(lines).encode("latin-1"))
        except RemoteProtocolError as error:
            self._refuse(error.event_hint or RejectConnection())
            return None
        except UnicodeError:  # Host is no name
            self._refuse(RejectConnection())
            return None
        if not _KEY.fullmatch(last_value(request.headers, "Sec-Websocket-Key") or ""):
            self._refuse(RejectConnection())
            return None
        return next(each for each in self._wire.events() if isinstance(each, Request))

    def _refuse(self, answer: Event) -> None:
        self._metrics.answered(Handshake.MALFORMED)
        self._write(answer)

    async def _admit(self, request: HttpRequest, offered: Request) -> bool:
        connect = functools.partial(self._sockets.handlers.connect, request, self.opened)
        refusal, chosen = await self._sockets.run(connect)
        if self._transport.is_closing():
            self._metrics.answered(Handshake.ABANDONED)
            return not refusal  # the app may have kept its id: it is told of the end
        if refusal:
            self._metrics.answered(Handshake.REFUSED)
            body = refusal.encode()
            headers = [(b"content-type", b"application/json"), (b"content-length", b"%d" % len(body))]
            self._write(RejectConnection(headers=[*headers, (b"connection", b"close")], status_code=403, has_body=True))
            self._write(RejectData(data=body))
            return False
        self._write(AcceptConnection(subprotocol=chosen if chosen in offered.subprotocols else None))
        self._is_open = True
        self._metrics.answered(Handshake.ACCEPTED)
        self._sockets.connections.add(self.opened.connection_id, self)
        return True

    async def _handle(self, message: str) -> None:
        handle = functools.partial(self._sockets.handlers.message, self.opened, message)
        problem = await self._sockets.run(handle)
        if problem is not None and self._is_open and self._reads:
            self._flush()
            self._send(problem)

    async def _next(self) -> str | None:
        """Return the next message, or None after the last; if the server stops, say goodbye after that."""
        while not self._inbox:
            if self._is_leaving:
                self._end(GOING_AWAY, "Going away")
            if self._ended is not None:
                return None
            self._arrived.clear()
            await self._arrived.wait()
        if len(self._inbox) == MOST_WAITING and not self._is_leaving:
            self._transport.resume_reading()
        return self._inbox.popleft()

    def _put(self, message: str) -> None:
        self._metrics.received += 1
        self._inbox.append(message)
        self._arrived.set()
        if len(self._inbox) == MOST_WAITING:
            self._transport.pause_reading()

    def _read_on(self, early: bytes) -> None:
        self._active_at = time.monotonic()
        if not self._is_leaving:
            self._transport.resume_reading()
        if early:
            self.data_received(early)

    def data_received(self, data: bytes) -> None:
        if self._ended is not None:
            return
        self._active_at = time.monotonic()
        try:
            self._wire.receive_data(data)
            for event in self._wire.events():
                self._take(event)
        except (LocalProtocolError, RemoteProtocolError):  # bytes after the end
            self._close()

    def _take(self, event: Event) -> None:
        if isinstance(event, CloseConnection):
            self._take_close(event)
        elif not self._is_open:
            return
        elif isinstance(event, TextMessage):
            self._take_text(event)
        elif isinstance(event, BytesMessage):
            self._end(BAD_TYPE, "Binary messages are not supported")
        elif isinstance(event, Ping) and self._reads:  # else later pings are answered (RFC 6455, section 5.5.3)
            self._write(event.response())

    def _take_text(self, event: TextMessage) -> None:
        limits = self._sockets.limits
        size = len(event.data.encode())
        self._frame_bytes += size
        self._message_bytes += size
        if self._frame_bytes > limits.frame_bytes or self._message_bytes > limits.message_bytes:
            self._pieces.clear()
            self._end(TOO_LONG, "Message too long")
            return
        if event.data:
            self._pieces.append(event.data)
        if event.frame_finished:
            self._frame_bytes = 0
        if event.message_finished:
            self._put("".join(self._pieces))
            self._pieces, self._message_bytes = [], 0

    def _take_close(self, event: CloseConnection) -> None:
        """Answer a close frame and close, or end the connection for a fault that wsproto has found."""
        if self._wire.state is not ConnectionState.REMOTE_CLOSING:
            self._end(int(event.code), event.reason or "")
            return
        self._note_end(int(event.code), event.reason or "")
        self._write(event.response())
        self._close()

    def _end(self, code: int, reason: str) -> None:
        """Send a close frame and the end, and close once the client has; what it has sent before is not looked at."""
        if not self._is_open:
            return
        self._flush()
        self._note_end(code, reason)
        self._write(CloseConnection(code=code, reason=reason))
        with contextlib.suppress(OSError):  # the client has reset the connection
            self._transport.write_eof()
        self._transport.resume_reading()
        self._abort_soon()

    def _close(self) -> None:
        """Close, once the client has read what was sent to it; it may never do that."""
        self._transport.close()
        self._abort_soon()

    def _abort_soon(self) -> None:
        if self._closing is None:
            self._closing = self._loop.call_later(CLOSE_SECONDS, self._transport.abort)

    def _note_end(self, code: int, reason: str) -> None:
        if self._is_open:
            self._metrics.ended(code)
        self._is_open = False
        self._ended = self._ended or (code, reason)
        self._sockets.connections.discard(self.opened.connection_id)
        self._arrived.set()

    def connection_lost(self, exc: Exception | None) -> None:
        self._server.connections.discard(self)
        self._sockets.held -= 1
        self._note_end(ABNORMAL, "")
        if self._closing is not None:
            self._closing.cancel()

    def pause_writing(self) -> None:
        self._reads = False

    def resume_writing(self) -> None:
        self._reads = True

    def shutdown(self) -> None:
        """Say goodbye once the messages that have come are handled; read no more. uvicorn calls it when it stops."""
        self._is_leaving = True
        self._arrived.set()
        self._transport.pause_reading()

    def sweep(self, limits: object, now: float) -> None:
        """End a connection that is idle or old; `now` is on the monotonic clock. The server calls it each second."""
        own = self._sockets.limits
        if now - self._began >= own.whole_seconds:
            self._end(GOING_AWAY, "Connection duration exceeded")
        elif now - self._active_at >= own.idle_seconds:
            self._end(GOING_AWAY, "Idle timeout")

    def post(self, message: str | bytes) -> None:
        """Send a message, without waiting for the event loop unless much waits for it.

        If the connection ends at the same time, the message is lost, as one on its way to the client is.
        """
        if not self._is_open:
            raise Gone(self.opened.connection_id)
        data = _text_if_possible(message)
        size = len(data.encode() if isinstance(data, str) else data)
        if size > self._sockets.limits.message_bytes:
            raise MessageTooLong
        if self._unsent > MOST_UNSENT_BYTES:
            self._on_loop(self._flush)
        if self._enqueue(data, size):
            try:
                self._loop.call_soon_threadsafe(self._flush)
            except RuntimeError:  # the loop is closed
                raise Gone(self.opened.connection_id) from None

    def _enqueue(self, data: str | bytes, size: int) -> bool:
        """Put a message into the outbox; return whether that was empty."""
        with self._lock:
            if not self._reads:
                raise ClientTooSlow
            self._outbox.append(data)
            self._unsent += size
            return len(self._outbox) == 1

    def _flush(self) -> None:
        """Send what is in the outbox."""
        with self._lock:
            outbox, self._outbox, self._unsent = self._outbox, [], 0
        if self._is_open and outbox:
            self._active_at = time.monotonic()
            for each in outbox:
                self._send(each)

    def close(self) -> None:
        """Close it with code 1000."""
        self._on_loop(functools.partial(self._end, NORMAL, ""))

    def information(self) -> Information:
        """Tell what is known."""
        return self._on_loop(self._information)

    def _send(self, data: str | bytes) -> None:
        self._metrics.sent += 1
        self._write(Message(data=data))  # type: ignore[type-var]  # one of both, which its type variable cannot say

    def _information(self) -> Information:
        opened, until = self.opened, self._active_at - self._began  # by one clock: the other may be set
        return Information(opened.connected_at, opened.connected_at + until, opened.source_ip, opened.user_agent)

    def _on_loop(self, act: Callable[[], Result]) -> Result:
        """Do something in the event loop's thread, unless the connection has ended.

        Raises:
            Gone: it has.
            Unreachable: the loop is blocked, or has stopped; it is not done later either.
        """
        if threading.get_ident() == self._thread:
            return self._if_open(act)
        done: Future[Result] = Future()
        try:
            self._loop.call_soon_threadsafe(self._settle, done, act)
        except RuntimeError:  # the loop is closed
            raise Gone(self.opened.connection_id) from None
        try:
            return done.result(LOOP_SECONDS)
        except TimeoutError:
            if done.cancel():
                raise Unreachable(self.opened.connection_id) from None
            return done.result()  # it has just begun

    def _settle(self, done: "Future[Result]", act: Callable[[], Result]) -> None:
        if not done.set_running_or_notify_cancel():
            return
        try:
            done.set_result(self._if_open(act))
        except Exception as error:  # noqa: BLE001  not swallowed: the thread that waits gets it
            done.set_exception(error)

    def _if_open(self, act: Callable[[], Result]) -> Result:
        if not self._is_open:
            raise Gone(self.opened.connection_id)
        return act()

    def _write(self, event: Event) -> None:
        with contextlib.suppress(LocalProtocolError):  # the connection is closing
            self._transport.write(self._wire.send(event))


def _text_if_possible(message: str | bytes) -> str | bytes:
    try:
        return message if isinstance(message, str) else message.decode()
    except UnicodeDecodeError:
        return message
