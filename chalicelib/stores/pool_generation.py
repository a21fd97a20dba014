"""The generation of a client's connections, as database drivers count it (MongoDB's specification of pools, CMAP).

A connection remembers the generation in which it was opened. An error that all connections share, such as a failover,
retires the generation: each connection of it is then replaced before its next use.
"""

import threading


class PoolGeneration:
    """A number that grows whenever all open connections are to be replaced. Thread-safe."""

    def __init__(self) -> None:
        self.current = 0
        self._lock = threading.Lock()

    def retire(self, generation: int) -> None:
        """Begin the next generation. Several connections may report the same error: only the first report counts."""
        with self._lock:
            if generation == self.current:
                self.current += 1
