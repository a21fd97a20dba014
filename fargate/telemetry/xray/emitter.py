"""Sends segments by UDP to an X-Ray daemon, or to an OpenTelemetry collector that receives the same format."""

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
    """Sends each segment once, without blocking. If that fails, the segment is dropped without a log line.

    Args:
        daemon_address: host:port, or `tcp:host:port udp:host:port`.
    """

    def __init__(self, daemon_address: str) -> None:
        found = _ADDRESS.fullmatch(daemon_address)
        assert found is not None, daemon_address  # noqa: S101  the settings are checked at the start
        self._address = found[1], int(found[2])
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._socket.setblocking(False)

    def send_entity(self, entity: Any) -> None:
        try:
            document = entity.serialize()
        except (TypeError, ValueError, RecursionError) as error:  # the app has added such values
            logger.warning("A trace segment is dropped, since JSON cannot hold it: %s", error)
            return
        with contextlib.suppress(OSError):
            self._socket.sendto((HEADER + document).encode(), self._address)


@functools.cache
def emitter_to(daemon_address: str) -> Emitter:
    """Return the process's only emitter for this address."""
    return Emitter(daemon_address)
