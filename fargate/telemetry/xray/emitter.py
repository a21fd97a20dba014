"""Sends segments by UDP to an X-Ray daemon, or to an OpenTelemetry collector that receives the same format."""

import contextlib
import functools
import logging
import re
import socket
from typing import Any

from fargate.telemetry.xray.daemon_address import DaemonAddress, LookUp, look_up

logger = logging.getLogger("fargate")

HEADER = '{"format":"json","version":1}\n'
_ADDRESS = re.compile(r"(?:.*\budp:)?([^\s:]+):(\d+)")


class Emitter:
    """Sends each segment once, without blocking. If that fails, the segment is dropped without a log line.

    Segments are dropped, too, while the daemon's name has no address yet.

    Args:
        daemon_address: host:port, or `tcp:host:port udp:host:port`.
        look_up: asks for the addresses of the host.
    """

    def __init__(self, daemon_address: str, look_up: LookUp = look_up) -> None:
        found = _ADDRESS.fullmatch(daemon_address)
        assert found is not None, daemon_address  # noqa: S101  the settings are checked at the start
        self._daemon = DaemonAddress(found[1], int(found[2]), look_up)
        self._sockets: dict[int, socket.socket] = {}  # by family; none is closed, as another thread may be sending

    def send_entity(self, entity: Any) -> None:
        try:
            document = entity.serialize()
        except (TypeError, ValueError, RecursionError) as error:  # the app has added such values
            logger.warning("A trace segment is dropped, since JSON cannot hold it: %s", error)
            return
        daemon = self._daemon.current()
        if daemon is not None:
            with contextlib.suppress(OSError):
                self._socket_of(daemon.family).sendto((HEADER + document).encode(), daemon.address)

    def await_address(self, seconds: float) -> None:
        """Wait until the daemon's name has been looked up, for at most so long."""
        self._daemon.wait(seconds)

    def _socket_of(self, family: int) -> socket.socket:
        sock = self._sockets.get(family)
        if sock is None:
            sock = socket.socket(family, socket.SOCK_DGRAM)
            sock.setblocking(False)
            self._sockets[family] = sock
        return sock


@functools.cache
def emitter_to(daemon_address: str) -> Emitter:
    """Return the process's only emitter for this address."""
    return Emitter(daemon_address)
