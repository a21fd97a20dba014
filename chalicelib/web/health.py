"""Whether this server really serves: asked over its own port, as a client would."""

import http.client
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass

TIMEOUT_SECONDS = 1.5
FRESH_SECONDS = 0.1
LIVENESS_PATH = "/livez"


@dataclass(frozen=True, slots=True)
class Health:
    """Healthy where `reason` is None."""

    reason: str | None = None


class SelfProbe:
    """Asks this server whether it answers. Safe to share by threads.

    Callers that come at the same time take turns, and share an answer that is not older than a tenth of a second: a
    crowd that asks for the status costs a few requests, not one each.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._asked = float("-inf")
        self._health = Health()

    def ask(self, port: int | None) -> Health:
        """Tell whether a GET of `/livez` from this server's own localhost port is answered.

        Args:
            port: where the request being answered came in; None on Lambda, where there is no port and the invocation
                itself is the proof.
        """
        if port is None:
            return Health()
        with self._lock:
            if self._clock() - self._asked > FRESH_SECONDS:
                self._health = ask_port(port)
                self._asked = self._clock()
            return self._health


def ask_port(port: int) -> Health:
    """GET `/livez` from a port of this machine."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=TIMEOUT_SECONDS)
    try:
        connection.request("GET", LIVENESS_PATH)
        status = connection.getresponse().status
    except (OSError, http.client.HTTPException) as error:
        return Health(f"localhost:{port} gave no answer: {error or type(error).__name__}")
    finally:
        connection.close()
    return Health() if status == http.client.OK else Health(f"localhost:{port} answered {status}")
