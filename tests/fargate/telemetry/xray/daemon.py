"""An X-Ray daemon's ear: receives segments by UDP."""

import contextlib
import json
import socket
from collections.abc import Iterator
from typing import Any

Segment = dict[str, Any]
HEADER = b'{"format":"json","version":1}\n'
LARGEST = 65_536


class Daemon:
    """Receives what is sent to its port."""

    def __init__(self, ear: socket.socket) -> None:
        self._ear = ear

    @property
    def address(self) -> str:
        """What AWS_XRAY_DAEMON_ADDRESS names."""
        host, port = self._ear.getsockname()
        return f"{host}:{port}"

    def receive(self, trace_id: str, seconds: float = 10.0) -> Segment:
        """Return the segment of one trace, letting others pass."""
        self._ear.settimeout(seconds)
        while True:
            segment = self._next()
            if segment["trace_id"] == trace_id:
                return segment

    def has_nothing(self, seconds: float = 0.5) -> bool:
        """Tell whether nothing comes for so long."""
        self._ear.settimeout(seconds)
        try:
            self._next()
        except TimeoutError:
            return True
        return False

    def _next(self) -> Segment:
        header, _, document = self._ear.recv(LARGEST).partition(b"\n")
        assert header + b"\n" == HEADER
        segment: Segment = json.loads(document)
        return segment


@contextlib.contextmanager
def listening_daemon() -> Iterator[Daemon]:
    """Listen on a free port until the block ends."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as ear:
        ear.bind(("127.0.0.1", 0))
        yield Daemon(ear)
