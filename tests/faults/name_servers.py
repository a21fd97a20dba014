"""A name server that answers what a test says, or nothing, and the prefix that has a program use it and no other.

What must hold: nothing outside of the program is changed. It gets a mount namespace of its own, with its own
`resolv.conf` and `nsswitch.conf`; that, and port 53, need root.
"""

import contextlib
import os
import shutil
import socket
import struct
import subprocess
import threading
from collections.abc import Iterator, Mapping
from ipaddress import IPv4Address
from pathlib import Path

from tests.fixtures.tools import give_up

ADDRESS = f"127.53.{os.getpid() // 250 % 250}.{os.getpid() % 250 + 1}"
"""Another one for each process that runs tests: the port is always 53."""
OPTIONS = "timeout:1 attempts:5"
"""A lookup without an answer takes 5 s, and asks again each second."""

LARGEST = 512  # bytes of a message over UDP (RFC 1035, 4.2.1)
TYPE_A = 1
_HEADER = struct.Struct("!6H")
_QUESTION_END = struct.Struct("!2H")
_ANSWER = struct.Struct("!3HIH4s")
_NAME_OF_QUESTION = 0xC00C  # a pointer to the name in the question (RFC 1035, 4.1.4)
_RESPONSE, _NO_SUCH_NAME = 0x8180, 0x8183

_IN_NAMESPACE = """
for file in resolv.conf nsswitch.conf; do mount --bind "$1/$file" "/etc/$file" || exit; done
shift
exec "$@"
"""


class NameServer:
    """Answers queries for IPv4 addresses (RFC 1035). While `is_silent`, it takes queries and answers none."""

    def __init__(self, listener: socket.socket) -> None:
        self._socket = listener
        self.is_silent = False
        self.addresses: Mapping[str, str] = {}
        self.asked = 0

    def serve(self) -> None:
        """Answer until the socket is shut down."""
        with contextlib.suppress(OSError):
            while True:
                query, client = self._socket.recvfrom(LARGEST)
                if not query:
                    return
                self.asked += 1
                if not self.is_silent:
                    self._socket.sendto(self._answer(query), client)

    def _answer(self, query: bytes) -> bytes:
        name, end = _name_in(query)
        question = query[_HEADER.size : end]
        (number,) = struct.unpack_from("!H", query)
        kind, _ = _QUESTION_END.unpack(question[-_QUESTION_END.size :])
        address = self.addresses.get(name)
        found = address is not None and kind == TYPE_A
        header = _HEADER.pack(number, _NO_SUCH_NAME if address is None else _RESPONSE, 1, int(found), 0, 0)
        return header + question + (_record(address) if address is not None and found else b"")


def _name_in(query: bytes) -> tuple[str, int]:
    """Return the name that a query asks for, and where its question ends."""
    labels, at = [], _HEADER.size
    while size := query[at]:
        labels.append(query[at + 1 : at + 1 + size].decode())
        at += 1 + size
    return ".".join(labels), at + 1 + _QUESTION_END.size


def _record(address: str) -> bytes:
    return _ANSWER.pack(_NAME_OF_QUESTION, TYPE_A, 1, 0, 4, IPv4Address(address).packed)


@contextlib.contextmanager
def running_name_server() -> Iterator[NameServer]:
    """Serve names until the block ends; skip the test where this process may not."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as listener:
        try:
            listener.bind((ADDRESS, 53))
        except OSError as error:
            give_up(f"no name server on {ADDRESS} port 53: {error}")
        server = NameServer(listener)
        serving = threading.Thread(target=server.serve)
        serving.start()
        try:
            yield server
        finally:
            with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as end:
                end.sendto(b"", listener.getsockname())
            serving.join()


def resolving_at(address: str, folder: Path) -> list[str]:
    """Return the start of a command line whose program looks names up at one name server only, or skip the test."""
    (folder / "resolv.conf").write_text(f"nameserver {address}\noptions {OPTIONS}\n")
    (folder / "nsswitch.conf").write_text("hosts: files dns\n")
    if shutil.which("unshare") is None or os.geteuid() != 0:
        give_up("a mount namespace needs root and unshare")
    prefix = ["unshare", "--mount", "sh", "-c", _IN_NAMESPACE, "sh", str(folder)]
    tried = subprocess.run([*prefix, "true"], capture_output=True, text=True, check=False)
    if tried.returncode != 0:
        give_up(f"no mount namespace: {tried.stderr.strip()}")
    return prefix
