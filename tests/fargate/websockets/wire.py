"""A client that writes the bytes itself: what a library would not send, and pieces as it would not cut them."""

import contextlib
import socket
from collections.abc import Iterator

from tests.fargate.websockets.conftest import SECONDS, Sockets

GET = b"GET /seen HTTP/1.1\r\nHost: x\r\n\r\n"


def handshake(*more: bytes) -> bytes:
    """Write a handshake, with more lines."""
    fields = [b"Host: x", b"Connection: Upgrade", b"Upgrade: websocket", b"Sec-WebSocket-Version: 13"]
    key = b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ=="
    return b"\r\n".join([b"GET / HTTP/1.1", *fields, key, *more, b"", b""])


def frame(text: bytes) -> bytes:
    """Write a short message of a client, with a mask of zeros."""
    return bytes((0x81, 0x80 | len(text), 0, 0, 0, 0)) + text


@contextlib.contextmanager
def raw(sockets: Sockets) -> Iterator[socket.socket]:
    """Connect to a server."""
    with socket.create_connection(("127.0.0.1", sockets.server.port), SECONDS) as wire:
        yield wire


def read_until(wire: socket.socket, end: bytes) -> bytes:
    """Read until what has come ends with this; up to the end of the connection, if it is empty."""
    received = b""
    while not (end and received.endswith(end)) and (piece := wire.recv(65536)):
        received += piece
    return received
