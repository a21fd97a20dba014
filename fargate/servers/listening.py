"""The listening socket: opened before anything is served, closed to new connections before old ones are finished."""

import ctypes
import logging
import os
import socket
import struct
import sys

from fargate.errors import ConfigurationError

logger = logging.getLogger("fargate")

BACKLOG = 1024
SO_ATTACH_FILTER = 26  # asm-generic/socket.h

# A filter that drops the packets that ask for a connection (SYN), and lets pass those of handshakes that have begun:
# their clients are connected already. It sees packets from the TCP header on. linux/filter.h: each instruction is its
# code, how far it jumps if true and if false, and a value.
FILTER = (
    (0x30, 0, 0, 13),  # load the flags
    (0x45, 0, 1, 0x02),  # SYN?
    (0x06, 0, 0, 0),  # return nothing of it
    (0x06, 0, 0, 0xFFFFFFFF),  # return all of it
)

IP_MINTTL, IPV6_MINHOPCOUNT = 21, 73  # linux/in.h, linux/in6.h
MOST_HOPS = 255  # what no packet has left: Linux and macOS send with 64, Windows with 128


def listen(host: str, port: int) -> socket.socket:
    """Open the listening socket.

    Raises:
        ConfigurationError: the port is taken, or the address is not one of this machine's.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        listener = socket.create_server((host, port), family=family, backlog=BACKLOG)
    except OSError as error:
        raise ConfigurationError(f"Cannot listen on {host} port {port}: {os.strerror(error.errno or 0)}") from error
    listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)  # accepted connections inherit it
    return listener


def refuse_connections(listener: socket.socket) -> None:
    """Let no more connections in while those that the kernel has already accepted stay.

    Closing a listening socket resets the connections that nobody has taken from it yet. So the kernel is first told to
    drop whatever asks for a connection; then what is waiting can be taken in peace, and the socket closed. Linux only:
    elsewhere nothing is done, and a connection that is opened in that very moment may be reset.
    """
    if sys.platform != "linux":
        return
    program = ctypes.create_string_buffer(b"".join(struct.pack("HBBI", *instruction) for instruction in FILTER))
    described = struct.pack("HL", len(FILTER), ctypes.addressof(program))
    try:
        listener.setsockopt(socket.SOL_SOCKET, SO_ATTACH_FILTER, described)
    except OSError:
        _refuse_by_hops(listener)


def _refuse_by_hops(listener: socket.socket) -> None:
    """Do the same where a filter wants CAP_NET_ADMIN, which a container lacks: drop what has too few hops left."""
    try:
        if listener.family == socket.AF_INET6:
            listener.setsockopt(socket.IPPROTO_IPV6, IPV6_MINHOPCOUNT, MOST_HOPS)
        else:
            listener.setsockopt(socket.IPPROTO_IP, IP_MINTTL, MOST_HOPS)
    except OSError as error:
        logger.warning("Connections that are opened at this very moment may be reset: %s", error)
