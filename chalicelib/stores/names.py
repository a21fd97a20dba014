"""Connects to a host by its name, within a limit that counts looking the name up.

The system's resolver cannot be given a limit: with a name server that does not answer it takes ten seconds and more. So
it runs in a thread of its own, one for each name.

What must hold: each new connection asks for the name's addresses anew, since a failover changes them. The addresses
of the last answer are used only while there is no new answer (RFC 8767), never against one that says there are none.
"""

import functools
import logging
import socket
import time
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from typing import Any, NamedTuple

from chalicelib.stores.background_call import BackgroundCall

logger = logging.getLogger("shop")

LOG_SECONDS = 5.0

PART_FOR_LOOKUP = 0.5
"""The part of the limit that a lookup may take if addresses are known; the rest is left to connect to them."""

_UNANSWERED = (socket.EAI_AGAIN, socket.EAI_FAIL, socket.EAI_MEMORY, socket.EAI_SYSTEM)


class SocketAddress(NamedTuple):
    """Where to connect to, as the socket module takes it."""

    family: int
    address: Any  # its shape depends on the family


LookUp = Callable[[str, int], Sequence[SocketAddress]]
"""Returns the addresses of a host and a port, and blocks meanwhile. Raises socket.gaierror."""


def look_up(host: str, port: int, flags: int = 0) -> list[SocketAddress]:
    """Ask the system's resolver, for as long as it takes. Raises socket.gaierror."""
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=flags)
    except UnicodeError as error:  # an empty label, or one of more than 63 characters
        raise socket.gaierror(socket.EAI_NONAME, f"{host!r} is not a host's name") from error
    return [SocketAddress(family, address) for family, _, _, _, address in found]


class HostName:
    """The addresses of one host and port. Thread-safe."""

    def __init__(self, host: str, port: int, look_up: LookUp = look_up) -> None:
        self._host = host
        self._port = port
        self._look_up = look_up
        self._lookup = BackgroundCall(f"look-up-{host}", self._answer)
        self._known: Sequence[SocketAddress] = ()
        self._next_log = 0.0  # on the monotonic clock
        self._awaited_in_vain: Future[Sequence[SocketAddress]] | None = None

    def addresses(self, seconds: float) -> Sequence[SocketAddress]:
        """Return the name's addresses now; if no name server says, the last known ones.

        Raises:
            TimeoutError: there is no answer within `seconds`, and there was none before.
            OSError: there is no such name, or no name server is there.
        """
        lookup, known = self._lookup.start(), self._known
        try:
            return lookup.result(self._patience(lookup, seconds) if known else seconds)
        except socket.gaierror as error:
            if error.errno not in _UNANSWERED:
                raise
            return self._stand_in(known, error)
        except TimeoutError:
            self._awaited_in_vain = lookup
            late = TimeoutError(f"no name server answered within {seconds:g} s for {self._host}")
            return self._stand_in(known, late)

    def _stand_in(self, known: Sequence[SocketAddress], error: OSError) -> Sequence[SocketAddress]:
        """Return the last addresses; raise the error if there are none."""
        now = time.monotonic()
        if now >= self._next_log:
            self._next_log = now + LOG_SECONDS
            then = "its last addresses are used" if known else "it has no addresses yet"
            logger.warning("No name server answers in time for %s: %s (%s)", self._host, then, error)
        if not known:
            raise error
        return known

    def _patience(self, lookup: "Future[Sequence[SocketAddress]]", seconds: float) -> float:
        """Return how long to wait: not again for a lookup that one caller has awaited in vain."""
        return 0.0 if lookup is self._awaited_in_vain else PART_FOR_LOOKUP * seconds

    def _answer(self) -> Sequence[SocketAddress]:
        try:
            self._known = self._look_up(self._host, self._port)
        except socket.gaierror as error:
            if error.errno not in _UNANSWERED:
                self._known = ()
            raise
        self._next_log = 0.0  # the next failure begins a new outage
        return self._known


name_of = functools.cache(HostName)
"""Return the process's only HostName of a host and a port."""


def addresses_of(host: str, port: int, seconds: float) -> Sequence[SocketAddress]:
    """Return the addresses of a host, which may be an IP address already. Raises what `HostName.addresses` does."""
    try:
        return look_up(host, port, socket.AI_NUMERICHOST)
    except socket.gaierror:
        return name_of(host, port).addresses(seconds)


def connect(host: str, port: int, seconds: float) -> socket.socket:
    """Connect to the first of a host's addresses that accepts, all within `seconds`.

    Raises:
        OSError: the name has no address, or none of them accepts; TimeoutError if that took too long.
    """
    deadline = time.monotonic() + seconds
    return connect_to_any(addresses_of(host, port, seconds), deadline)


def connect_to_any(addresses: Sequence[SocketAddress], deadline: float) -> socket.socket:
    """Connect to the first address that accepts; of the time that is left, each gets an equal share."""
    failure: OSError = TimeoutError("timed out")
    for untried, address in zip(range(len(addresses), 0, -1), addresses, strict=True):
        try:
            return connect_to(address, (deadline - time.monotonic()) / untried)
        except OSError as error:
            failure = error
    raise failure


def connect_to(address: SocketAddress, seconds: float) -> socket.socket:
    """Connect to one address. Raises OSError."""
    if seconds <= 0:
        raise TimeoutError("timed out")
    sock = socket.socket(address.family, socket.SOCK_STREAM)
    try:
        sock.settimeout(seconds)
        sock.connect(address.address)
        return sock
    except BaseException:
        sock.close()
        raise
