"""`python -m fargate.probe`: the container's health check. Exits 0 if GET /readyz answers 200, else 1.

It starts every few seconds in a small task, so it imports a socket and no HTTP client.
"""

import os
import socket
import sys
from collections.abc import Mapping

TIMEOUT_SECONDS = 3.0  # to connect, and for each read; below the timeout of the health check
LOOPBACK = {"": "127.0.0.1", "0.0.0.0": "127.0.0.1", "::": "::1"}
"""The address to connect to if the server listens on every address."""

REQUEST = b"GET /readyz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"


def main(environ: Mapping[str, str]) -> int:
    """Check the server that these settings describe; write to standard error why it is not ready."""
    host, port = environ.get("HOST", ""), environ.get("PORT") or "3000"
    try:
        status = check(own_address(host), int(port))
    except (OSError, ValueError, OverflowError) as error:
        return _not_ready(f"no answer on port {port}: {error}")
    return 0 if status == "200" else _not_ready(f"/readyz on port {port} answered {status or 'no HTTP'}")


def own_address(host: str) -> str:
    """Return the address at which a server on this machine answers that listens on `host`."""
    return LOOPBACK.get(host, host)


def check(host: str, port: int) -> str:
    """Return the status of GET /readyz, or an empty text if the response is not HTTP.

    Raises:
        OSError: the connection fails or times out.
    """
    with socket.create_connection((host, port), TIMEOUT_SECONDS) as connection:
        connection.sendall(REQUEST)
        line = b""
        while b"\n" not in line and len(line) < 1024 and (part := connection.recv(1024)):
            line += part
    version, _, rest = line.partition(b" ")
    return rest[:3].decode("latin-1") if version.startswith(b"HTTP/") else ""


def _not_ready(why: str) -> int:
    sys.stderr.write(f"Not ready: {why}\n")
    return 1


if __name__ == "__main__":
    sys.exit(main(os.environ))
