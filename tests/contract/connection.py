"""A client that sends exactly the bytes it is told to, and reads answers one by one (RFC 9112)."""

import contextlib
import socket
from collections.abc import Iterator

from tests.contract.messages import Answer, Headers, Request

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
        """Send each part in a segment of its own; a server that has closed its end is no error."""
        with contextlib.suppress(BrokenPipeError, ConnectionResetError):
            for part in parts:
                self._socket.sendall(part)

    def finish(self) -> None:
        """Say that nothing more will come, and go on reading."""
        with contextlib.suppress(OSError):
            self._socket.shutdown(socket.SHUT_WR)

    def read(self, method: str = "GET") -> Answer | None:
        """Read the next final answer, passing over 1xx; None where the server has closed the connection."""
        while (answer := self._read(method)) is not None and answer.status < 200:
            pass
        return answer

    def read_interim(self) -> int:
        """Read a 1xx answer's status."""
        answer = self._read("GET")
        assert answer is not None
        assert answer.status < 200
        return answer.status

    def rest(self, method: str = "GET") -> list[Answer]:
        """Read every answer up to the end of the connection."""
        answers = []
        while (answer := self.read(method)) is not None:
            answers.append(answer)
        return answers

    def rest_until_silence(self, seconds: float) -> list[Answer]:
        """Read answers until the server has closed the connection, or has said nothing for so long."""
        self._socket.settimeout(seconds)
        answers = []
        with contextlib.suppress(TimeoutError):
            while (answer := self.read()) is not None:
                answers.append(answer)
        return answers

    def _read(self, method: str) -> Answer | None:
        try:
            line = self._stream.readline()
            if not line:
                return None
            version, status = line.split(b" ", 2)[:2]
            assert version in (b"HTTP/1.0", b"HTTP/1.1"), line
            headers = list(self._headers())
            return Answer(int(status), headers, self._body(int(status), method, headers))
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
            assert len(body) == int(named["content-length"]), "the answer is cut short"
            return body
        assert "transfer-encoding" not in named, "the adapter knows every length"
        return self._stream.read()


@contextlib.contextmanager
def connected(port: int) -> Iterator[Connection]:
    """Open a connection for the block."""
    connection = Connection(port)
    try:
        yield connection
    finally:
        connection.close()


def wire(request: Request, *extra: str) -> bytes:
    """Write a request as it goes over the wire; `extra` are header lines besides the request's own."""
    lines = [f"{request.method} {request.target} HTTP/1.1", "Host: shop.example", *extra]
    lines += [f"{name}: {value}" for name, value in request.headers]
    if request.body or request.method in ("POST", "PUT", "PATCH"):
        lines.append(f"Content-Length: {len(request.body)}")
    return "\r\n".join([*lines, "", ""]).encode("latin-1") + request.body
