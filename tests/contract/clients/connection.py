"""A client that sends given bytes unchanged and reads responses one by one (RFC 9112)."""

import contextlib
import socket
from collections.abc import Iterator

from tests.contract.clients.messages import Headers, Request, Response

TIMEOUT_SECONDS = 10.0


class Connection:
    """One connection to a server on this machine."""

    def __init__(self, port: int) -> None:
        self._socket = socket.create_connection(("127.0.0.1", port), timeout=TIMEOUT_SECONDS)
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._stream = self._socket.makefile("rb")

    def close(self) -> None:
        self._stream.close()
        self._socket.close()

    def send(self, *parts: bytes) -> None:
        """Send each part in a TCP segment of its own; errors because the server has closed are ignored."""
        with contextlib.suppress(BrokenPipeError, ConnectionResetError):
            for part in parts:
                self._socket.sendall(part)

    def finish(self) -> None:
        """Close the sending half of the connection."""
        with contextlib.suppress(OSError):
            self._socket.shutdown(socket.SHUT_WR)

    def read(self, method: str = "GET") -> Response | None:
        """Read the next final response, skipping 1xx; None if the server has closed the connection."""
        while (response := self._read(method)) is not None and response.status < 200:
            pass
        return response

    def response(self, method: str = "GET") -> Response:
        """Read the next final response, and fail if the server has closed the connection."""
        response = self.read(method)
        assert response is not None, "the server has closed the connection"
        return response

    def read_interim(self) -> int:
        """Read a 1xx response and return its status."""
        response = self._read("GET")
        assert response is not None
        assert response.status < 200
        return response.status

    def rest(self, method: str = "GET") -> list[Response]:
        """Read all responses until the server closes the connection."""
        responses = []
        while (response := self.read(method)) is not None:
            responses.append(response)
        return responses

    def rest_until_quiet(self, seconds: float) -> list[Response]:
        """Read responses until the server closes the connection or sends nothing for this long."""
        self._socket.settimeout(seconds)
        responses = []
        with contextlib.suppress(TimeoutError):
            while (response := self.read()) is not None:
                responses.append(response)
        return responses

    def _read(self, method: str) -> Response | None:
        try:
            line = self._stream.readline()
            if not line:
                return None
            version, status = line.split(b" ", 2)[:2]
            assert version in (b"HTTP/1.0", b"HTTP/1.1"), line
            headers = list(self._headers())
            return Response(int(status), headers, self._body(int(status), method, headers))
        except ConnectionResetError:
            return None

    def _headers(self) -> Iterator[tuple[str, str]]:
        while (line := self._stream.readline()) not in (b"\r\n", b""):
            assert line.endswith(b"\r\n"), line
            name, _, value = line.decode("latin-1").partition(":")
            yield name, value.strip(" \t\r\n")

    def _body(self, status: int, method: str, headers: Headers) -> bytes:
        named = {name.lower(): value for name, value in headers}
        if method == "HEAD" or status in (204, 304) or status < 200:
            return b""
        if "content-length" in named:
            body = self._stream.read(int(named["content-length"]))
            assert len(body) == int(named["content-length"]), "the response is cut short"
            return body
        assert "transfer-encoding" not in named, "the adapter knows every length"
        return self._stream.read()


@contextlib.contextmanager
def connected(port: int) -> Iterator[Connection]:
    """Open a connection to a server on this machine."""
    connection = Connection(port)
    try:
        yield connection
    finally:
        connection.close()


def wire(request: Request, *extra: str) -> bytes:
    """Return a request's bytes; `extra` are more header lines."""
    lines = [f"{request.method} {request.target} HTTP/1.1", "Host: shop.example", *extra]
    lines += [f"{name}: {value}" for name, value in request.headers]
    if request.body or request.method in ("POST", "PUT", "PATCH"):
        lines.append(f"Content-Length: {len(request.body)}")
    return "\r\n".join([*lines, "", ""]).encode("latin-1") + request.body
