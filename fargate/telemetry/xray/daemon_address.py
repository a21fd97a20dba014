"""The daemon's address, looked up in the background: no request waits for a name server.

What must hold: one lookup is under way at a time. The last address found is used until there is another.
"""

import logging
import socket
import threading
import time
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

logger = logging.getLogger("fargate")

REFRESH_SECONDS = 30.0  # a name may get another address
RETRY_SECONDS = 5.0  # after a lookup that failed


class UdpAddress(NamedTuple):
    """Where to send to, as the socket module takes it."""

    family: int
    address: Any  # its shape depends on the family


LookUp = Callable[[str, int], Sequence[UdpAddress]]
"""Returns the addresses of a host and a port, and blocks meanwhile. Raises OSError."""


def look_up(host: str, port: int, flags: int = 0) -> list[UdpAddress]:
    """Ask the system's resolver, for as long as it takes. Raises OSError."""
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_DGRAM, flags=flags)
    except UnicodeError as error:  # an empty label, or one of more than 63 characters
        raise OSError(f"{host!r} is not a host's name") from error
    return [UdpAddress(family, address) for family, _, _, _, address in found]


class DaemonAddress:
    """The address of one host, of IPv4 if it has one: the daemon listens on 127.0.0.1. Thread-safe.

    Args:
        host: a name, or an IP address, which is not looked up.
        port: the daemon's UDP port.
        look_up: asks for the addresses.
        clock: monotonic seconds.
    """

    def __init__(
        self, host: str, port: int, look_up: LookUp = look_up, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._host = host
        self._port = port
        self._look_up = look_up
        self._clock = clock
        self._looking_up = threading.Lock()
        self._known = _of_ip_address(host, port)
        self._next_lookup = float("-inf") if self._known is None else float("inf")
        self._was_found = True
        self.current()

    def current(self) -> UdpAddress | None:
        """Return the address, or None while it is not known. Begins a lookup if one is due."""
        if self._clock() >= self._next_lookup and self._looking_up.acquire(blocking=False):
            self._begin()
        return self._known

    def wait(self, seconds: float) -> None:
        """Wait for the lookup that is under way, if one is, for at most so long."""
        if self._looking_up.acquire(timeout=seconds):
            self._looking_up.release()

    def _begin(self) -> None:
        try:
            threading.Thread(target=self._refresh, name="look-up-daemon", daemon=True).start()
        except RuntimeError:  # too many threads, or the interpreter is ending: the next segment tries again
            self._looking_up.release()

    def _refresh(self) -> None:
        try:
            found = min(self._look_up(self._host, self._port), key=_is_ipv6)
        except OSError as error:
            self._next_lookup = self._clock() + RETRY_SECONDS
            self._warn(error)
        else:
            self._next_lookup = self._clock() + REFRESH_SECONDS
            self._known, self._was_found = found, True
        finally:
            self._looking_up.release()

    def _warn(self, error: OSError) -> None:
        """Log the first failure after a success, or after the start."""
        if self._was_found:
            self._was_found = False
            then = "segments are dropped" if self._known is None else "segments go to its last address"
            logger.warning("AWS_XRAY_DAEMON_ADDRESS: %s has no address: %s: %s", self._host, then, error)


def _of_ip_address(host: str, port: int) -> UdpAddress | None:
    """Return the address if `host` is an IP address; None if it is a name."""
    try:
        return look_up(host, port, socket.AI_NUMERICHOST)[0]
    except OSError:
        return None


def _is_ipv6(found: UdpAddress) -> bool:
    return found.family == socket.AF_INET6
