"""Whether this server really serves: asked over its own port, as a client would."""

import http.client
from dataclasses import dataclass

TIMEOUT_SECONDS = 1.5
LIVENESS_PATH = "/livez"


@dataclass(frozen=True, slots=True)
class Health:
    """Healthy where `reason` is None."""

    reason: str | None = None


def ask_own_port(port: int | None) -> Health:
    """GET `/livez` from this server's own localhost port.

    Args:
        port: where the request being answered came in; None on Lambda, where there is no port and the invocation
            itself is the proof.
    """
    if port is None:
        return Health()
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=TIMEOUT_SECONDS)
    try:
        connection.request("GET", LIVENESS_PATH)
        status = connection.getresponse().status
    except (OSError, http.client.HTTPException) as error:
        return Health(f"localhost:{port} gave no answer: {error or type(error).__name__}")
    finally:
        connection.close()
    return Health() if status == http.client.OK else Health(f"localhost:{port} answered {status}")
