"""Checks that this server answers requests, by sending it one."""

import http.client
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass

TIMEOUT_SECONDS = 1.5
FRESH_SECONDS = 0.1
LIVENESS_PATH = "/livez"
LOOPBACK = "127.0.0.1"


@dataclass(frozen=True, slots=True)
class Health:
    """Healthy where `reason` is None."""

    reason: str | None = None


class SelfProbe:
    """Sends this server a request to its own port. Thread-safe.

    Simultaneous callers share a result that is at most FRESH_SECONDS old, so that many calls cost few requests.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._checked_at = float("-inf")
        self._health = Health()

    def check(self, port: int | None, address: str | None = None) -> Health:
        """Return whether a GET of `/livez` on this server's own port is answered.

        Args:
            port: the port of the current request. None on Lambda: there is no port, and the invocation is the proof.
            address: where this server answers itself; None: localhost.
        """
        if port is None:
            return Health()
        with self._lock:
            if self._clock() - self._checked_at > FRESH_SECONDS:
                self._health = _check_port(address or LOOPBACK, port)
                self._checked_at = self._clock()
            return self._health


def _check_port(address: str, port: int) -> Health:
    connection = http.client.HTTPConnection(address, port, timeout=TIMEOUT_SECONDS)
    try:
        connection.request("GET", LIVENESS_PATH)
        status = connection.getresponse().status
    except (OSError, http.client.HTTPException) as error:
        return Health(f"{address} port {port} gave no answer: {error or type(error).__name__}")
    finally:
        connection.close()
    return Health() if status == http.client.OK else Health(f"{address} port {port} answered {status}")
