"""The listening socket: opened at the start, closed to new connections at the beginning of a drain."""

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

# A filter that drops SYN packets and passes all others, so that handshakes that have begun are completed. It sees
# packets from the TCP header on. linux/filter.h: an instruction is a code, the jumps if true and if false, and a value.
FILTER = (
    (0x30, 0, 0, 13),  # load the flags
    (0x45, 0, 1, 0x02),  # SYN?
    (0x06, 0, 0, 0),  # drop the packet
    (0x06, 0, 0, 0xFFFFFFFF),  # pass all of it
)

IP_MINTTL, IPV6_MINHOPCOUNT = 21, 73  # linux/in.h, linux/in6.h
MOST_HOPS = 255  # no packet has so many hops left: Linux and macOS send with 64, Windows with 128


def listen(host: str, port: int) -> socket.socket:
    """Open the listening socket.

    Raises:
        ConfigurationError: the port is taken, or this machine does not have the address.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        listener = socket.create_server((host, port), family=family, backlog=BACKLOG)
    except OSError as error:
        raise ConfigurationError(f"Cannot listen on {host} port {port}: {os.strerror(error.errno or 0)}") from error
    listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)  # accepted connections inherit it
    return listener


def refuse_connections(listener: socket.socket) -> None:
    """Have the kernel drop new connection attempts; connections that wait in the socket's queue stay.

    Closing a listening socket resets the connections in its queue. So call this, accept them, then close the socket.
    Linux only: elsewhere this does nothing, and a connection opened just before the close may be reset.
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
    """Do the same if a filter needs CAP_NET_ADMIN, which a container lacks: drop packets with too few hops left."""
    try:
        if listener.family == socket.AF_INET6:
            listener.setsockopt(socket.IPPROTO_IPV6, IPV6_MINHOPCOUNT, MOST_HOPS)
        else:
            listener.setsockopt(socket.IPPROTO_IP, IP_MINTTL, MOST_HOPS)
    except OSError as error:
        logger.warning("Connections that are being opened now may be reset: %s", error)
