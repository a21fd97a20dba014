"""The statements that PostgreSQL is asked to run, read from the connection."""

import struct
from collections import Counter


class Statements:
    """Counts the statements of a proxy's clients by their SQL; `hear` is the proxy's tap.

    Only for connections without TLS, heard from their beginning.
    """

    def __init__(self) -> None:
        self.run: Counter[str] = Counter()
        self._unread: dict[int, bytes] = {}
        self._prepared: dict[tuple[int, bytes], str] = {}

    def hear(self, connection: int, data: bytes) -> None:
        """Read what a connection has sent."""
        if connection not in self._unread:  # the first message has no type
            data = b"\0" + data
        data = self._unread.get(connection, b"") + data
        while len(data) >= 5 and len(data) > (length := struct.unpack_from(">i", data, 1)[0]):
            self._take(connection, data[:1], data[5 : 1 + length])
            data = data[1 + length :]
        self._unread[connection] = data

    def _take(self, connection: int, kind: bytes, content: bytes) -> None:
        first, _, rest = content.partition(b"\0")
        second = rest.partition(b"\0")[0]
        if kind == b"P":  # Parse: a name, its SQL
            self._prepared[connection, first] = second.decode()
        elif kind == b"B":  # Bind: a portal, the name; what follows executes it
            self.run[self._prepared[connection, second]] += 1
        elif kind == b"Q":  # a simple query: its SQL
            self.run[first.decode()] += 1
