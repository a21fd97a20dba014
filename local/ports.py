"""TCP ports: find a free one, explain why a wanted one is not, ask what listens on one."""

import atexit
import contextlib
import errno
import http.client
import secrets
import socket
import sys

from local.errors import AddressError

LOOPBACK = "127.0.0.1"

# Below the ports that most systems give to outgoing connections (from 32768 on Linux, 49152 on macOS). While a server
# on one of those is down, a client that tries to reach it may be given that very port: it then connects to itself, and
# the server cannot start again.
_SERVER_PORTS = range(15_000, 30_000)
_reserved = contextlib.ExitStack()
"""Sockets that keep the ports that `free_port` gave out."""
atexit.register(_reserved.close)


def parse_port(name: str, text: str) -> int:
    """Read a port from the variable `name`.

    Raises:
        AddressError: it is not a port.
    """
    if not (text.isascii() and text.isdigit() and 1 <= int(text) <= 65535):
        raise AddressError(f"{name} is {text!r}, not a number from 1 to 65535.")
    return int(text)


def free_port() -> int:
    """Return a port of the loopback address for a server to listen on.

    On Linux nobody else is given it until this process ends: no other caller of this function, in any process, and no
    outgoing connection.
    """
    while True:
        port = secrets.choice(_SERVER_PORTS)  # not `random`: tests seed it
        with contextlib.suppress(OSError):
            _reserve(port)
            return port


def can_listen(host: str, port: int) -> bool:
    """Return whether a server could listen there now."""
    try:
        _try_to_listen(host, port)
    except OSError:
        return False
    return True


def require_free(host: str, port: int) -> None:
    """Check that a server can listen there.

    Raises:
        AddressError: it cannot; the message says why and what to do.
    """
    taken = f"Port {port} is taken: stop what listens there, or choose another one: PORT={port + 1} make run"
    if accepts(host, port):
        raise AddressError(taken)
    try:
        _try_to_listen(host, port)
    except PermissionError:
        raise AddressError(f"This user may not listen on port {port}: choose one above 1023.") from None
    except OSError as fault:
        if fault.errno == errno.EADDRINUSE:
            raise AddressError(taken) from None
        raise AddressError(f"Cannot listen on HOST {host}: {fault.strerror}.") from None


def reachable_host(host: str) -> str:
    """Turn an address to listen on into one to connect to."""
    return {"0.0.0.0": LOOPBACK, "::": "::1"}.get(host, host)


def accepts(host: str, port: int) -> bool:
    """Return whether a server accepts connections there."""
    try:
        socket.create_connection((reachable_host(host), port), timeout=1).close()
    except OSError:
        return False
    return True


def http_status(host: str, port: int, path: str) -> int | None:
    """Return the status of a GET; None if there is no answer within 5 s."""
    connection = http.client.HTTPConnection(reachable_host(host), port, timeout=5)
    try:
        connection.request("GET", path)
        return connection.getresponse().status
    except (OSError, http.client.HTTPException):
        return None
    finally:
        connection.close()


def _reserve(port: int) -> None:
    """Keep the port of the loopback address. Raises OSError if somebody has it."""
    holder = socket.socket()
    try:
        holder.bind((LOOPBACK, port))
    except OSError:
        holder.close()
        raise
    if sys.platform != "linux":  # elsewhere a server could not listen beside the holder
        holder.close()
        return
    # Linux lets a server that sets SO_REUSEADDR, as all do, listen beside a socket that has it too and does not listen.
    holder.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    _reserved.enter_context(holder)


def _try_to_listen(host: str, port: int) -> None:
    """Bind as a server would, despite closed connections in TIME_WAIT."""
    family, kind, protocol, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
    with socket.socket(family, kind, protocol) as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(address)
        listener.listen()
