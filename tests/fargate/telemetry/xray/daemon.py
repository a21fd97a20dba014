"""A stand-in for the X-Ray daemon: receives segments by UDP."""

import contextlib
import json
import socket
from collections.abc import Iterator
from typing import Any

Segment = dict[str, Any]
HEADER = b'{"format":"json","version":1}\n'
LARGEST = 65_536


class Daemon:
    """Receives segments."""

    def __init__(self, listener: socket.socket) -> None:
        self._socket = listener

    @property
    def address(self) -> str:
        """For AWS_XRAY_DAEMON_ADDRESS."""
        host, port = self._socket.getsockname()
        return f"{host}:{port}"

    def receive(self, trace_id: str, seconds: float = 10.0) -> Segment:
        """Return the segment of one trace; skip others."""
        self._socket.settimeout(seconds)
        while True:
            segment = self._next()
            if segment["trace_id"] == trace_id:
                return segment

    def has_nothing(self, seconds: float = 0.5) -> bool:
        """Return whether nothing arrives for so long."""
        self._socket.settimeout(seconds)
        try:
            self._next()
        except TimeoutError:
            return True
        return False

    def _next(self) -> Segment:
        header, _, document = self._socket.recv(LARGEST).partition(b"\n")
        assert header + b"\n" == HEADER
        segment: Segment = json.loads(document)
        return segment


@contextlib.contextmanager
def listening_daemon() -> Iterator[Daemon]:
    """Listen on a free port until the block ends."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as listener:
        listener.bind(("127.0.0.1", 0))
        yield Daemon(listener)
