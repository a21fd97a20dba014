"""Sends segments to an X-Ray daemon, or to an OpenTelemetry collector that plays one, by UDP."""

import contextlib
import functools
import logging
import re
import socket
from typing import Any

logger = logging.getLogger("fargate")

HEADER = '{"format":"json","version":1}\n'
_ADDRESS = re.compile(r"(?:.*\budp:)?([^\s:]+):(\d+)")


class Emitter:
    """Sends a segment, once, without waiting. Where that fails it is lost, and not worth a line.

    Args:
        daemon_address: host:port, or `tcp:host:port udp:host:port`.
    """

    def __init__(self, daemon_address: str) -> None:
        found = _ADDRESS.fullmatch(daemon_address)
        assert found is not None, daemon_address  # noqa: S101  the settings have checked it
        self._address = found[1], int(found[2])
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._socket.setblocking(False)

    def send_entity(self, entity: Any) -> None:
        """Send it."""
        try:
            document = entity.serialize()
        except (TypeError, ValueError, RecursionError) as error:  # what an app has hung on it
            logger.warning("A trace segment is dropped, since JSON cannot hold it: %s", error)
            return
        with contextlib.suppress(OSError):
            self._socket.sendto((HEADER + document).encode(), self._address)


@functools.cache
def emitter_to(daemon_address: str) -> Emitter:
    """Return the one emitter that sends there."""
    return Emitter(daemon_address)
