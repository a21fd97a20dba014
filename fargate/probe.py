"""`python -m fargate.probe`: the container's health check. Exit status 0 where GET /readyz answers 200, 1 otherwise.

It starts every few seconds in a small task, so it imports little: a socket, and no HTTP client.
"""

import os
import socket
import sys
from collections.abc import Mapping

TIMEOUT_SECONDS = 3.0  # for connecting, and for each part of the answer: less than the health check itself has
EVERYWHERE = {"": "127.0.0.1", "0.0.0.0": "127.0.0.1", "::": "::1"}
"""Where to ask a server that listens on every address."""

REQUEST = b"GET /readyz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"


def main(environ: Mapping[str, str]) -> int:
    """Ask the server that these settings describe; say on standard error why it is not ready."""
    host, port = environ.get("HOST", ""), environ.get("PORT") or "3000"
    try:
        status = ask(EVERYWHERE.get(host, host), int(port))
    except (OSError, ValueError, OverflowError) as fault:
        return _unready(f"no answer on port {port}: {fault}")
    return 0 if status == "200" else _unready(f"/readyz on port {port} answered {status or 'no HTTP'}")


def ask(host: str, port: int) -> str:
    """Return the status that /readyz answers; empty where the answer is not HTTP.

    Raises:
        OSError: there is no answer.
    """
    with socket.create_connection((host, port), TIMEOUT_SECONDS) as connection:
        connection.sendall(REQUEST)
        line = b""
        while b"\n" not in line and len(line) < 1024 and (part := connection.recv(1024)):
            line += part
    version, _, rest = line.partition(b" ")
    return rest[:3].decode("latin-1") if version.startswith(b"HTTP/") else ""


def _unready(why: str) -> int:
    sys.stderr.write(f"Not ready: {why}\n")
    return 1


if __name__ == "__main__":
    sys.exit(main(os.environ))
