"""A minimal HTTP client: one kept connection to one task. It uses little CPU, so that many reads can be judged."""

import contextlib
import socket

from local.ports import LOOPBACK
from tests.consistency.judge.history import ABSENT, Value

ANSWER_SECONDS = 5.0

NAME = b"product "
"""The prefix of every product name. A proxy recognises by it the statements that write."""

_ABSENCE = b'"NotFoundError"'


class NoAnswerError(Exception):
    """The connection ended before the answer, or instead of it."""


class TaskClient:
    """Sends requests to one task, one at a time."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._socket: socket.socket | None = None
        self._gets: dict[int, bytes] = {}

    def get(self, product: int) -> tuple[int, Value]:
        """Read a product; return the status, and its value where that is 200, ABSENT where there is no such product.

        Raises:
            NoAnswerError: there was none.
        """
        request = self._gets.get(product)
        if request is None:
            request = self._gets[product] = b"GET /product/%d HTTP/1.1\r\nHost: shop\r\n\r\n" % product
        status, body = self._ask(request)
        if status == 200:
            return status, value_in(body)
        if status == 404 and _ABSENCE not in body:
            raise NoAnswerError(f"404 that is not the shop's: {body!r}")
        return status, ABSENT

    def put(self, product: int, value: Value) -> int:
        """Replace a product; return the status. Raises NoAnswerError."""
        return self._send(b"PUT", b"/product/%d" % product, b'{"name":"%s%d","price":%d}' % (NAME, value, value))

    def post(self, product: int, value: Value) -> int:
        """Create a product; return the status. Raises NoAnswerError."""
        return self._send(b"POST", b"/data", b'{"id":%d,"name":"%s%d","price":%d}' % (product, NAME, value, value))

    def delete(self, product: int) -> int:
        """Remove a product; return the status. Raises NoAnswerError."""
        return self._ask(b"DELETE /product/%d HTTP/1.1\r\nHost: shop\r\n\r\n" % product)[0]

    def close(self) -> None:
        """Close the connection."""
        if self._socket is not None:
            self._socket.close()
            self._socket = None

    def _send(self, method: bytes, path: bytes, body: bytes) -> int:
        head = b"%b %b HTTP/1.1\r\nHost: shop\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n"
        return self._ask(head % (method, path, len(body)) + body)[0]

    def _ask(self, request: bytes) -> tuple[int, bytes]:
        try:
            if self._socket is None:
                self._socket = self._connect()
            self._socket.sendall(request)
            return self._answer(self._socket)
        except (OSError, NoAnswerError) as error:
            self.close()
            raise NoAnswerError(str(error)) from error

    def _connect(self) -> socket.socket:
        connection = socket.create_connection((LOOPBACK, self._port), timeout=ANSWER_SECONDS)
        with contextlib.suppress(OSError):
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return connection

    def _answer(self, connection: socket.socket) -> tuple[int, bytes]:
        data = _more(connection, b"")
        while (end := data.find(b"\r\n\r\n")) < 0:
            data = _more(connection, data)
        whole = end + 4 + _length_in(data[:end])
        while len(data) < whole:
            data = _more(connection, data)
        return int(data[9:12]), data[end + 4 :]


def value_in(body: bytes) -> Value:
    """Return the value of a product's JSON, which ends with its price."""
    return int(body[body.rindex(b":") + 1 : -1])


def _length_in(head: bytes) -> int:
    found = head.lower().find(b"\r\ncontent-length:")
    if found < 0:
        return 0
    return int(head[found + 17 :].partition(b"\r\n")[0])


def _more(connection: socket.socket, data: bytes) -> bytes:
    more = connection.recv(65_536)
    if not more:
        raise NoAnswerError("the task hung up")
    return data + more
