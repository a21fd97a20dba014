"""A few milliseconds of memory for the hottest products, so that a sale does not ask Redis for each of its readers.

What must hold: nothing is answered from here later than the moment it was kept until, on this machine's monotonic
clock; absence is never kept. Only what is hot here is kept: what was asked for a moment ago, and is asked for again.
"""

import threading
import time
from collections.abc import Callable
from typing import NamedTuple

MAX_ENTRIES = 10_000
MAX_BYTES = 16 * 1024 * 1024


class _Kept(NamedTuple):
    body: bytes
    until: float  # for what is not kept: when it was asked for


class LocalCopies:
    """Bodies of products, each until a moment of its own; bounded in entries and in bytes. Safe to share by threads."""

    def __init__(
        self,
        max_entries: int = MAX_ENTRIES,
        max_bytes: int = MAX_BYTES,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._max_entries = max_entries
        self._max_bytes = max_bytes
        self._clock = clock
        self._lock = threading.Lock()
        self._kept: dict[int, _Kept] = {}  # oldest first
        self._bytes = 0

    def get(self, product_id: int) -> bytes | None:
        """Return a body that is still to be answered with."""
        kept = self._kept.get(product_id)
        return kept.body if kept is not None and self._clock() < kept.until else None

    def is_hot(self, product_id: int, seconds: float) -> bool:
        """Tell whether the product was answered from here, or asked for, within the last `seconds`."""
        kept = self._kept.get(product_id)
        return kept is not None and self._clock() < kept.until + seconds

    def note(self, product_id: int, moment: float) -> None:
        """Take note that the product was asked for at that moment, and is not kept."""
        kept = self._kept.get(product_id)
        if kept is None or kept.until < moment:
            self._put(product_id, _Kept(b"", moment))

    def keep(self, product_id: int, body: bytes, until: float) -> None:
        """Answer with this body until that moment of the monotonic clock."""
        if self._clock() >= until or len(body) > self._max_bytes:
            return
        self._put(product_id, _Kept(body, until))

    def _put(self, product_id: int, kept: _Kept) -> None:
        with self._lock:
            self._forget(product_id)
            self._kept[product_id] = kept
            self._bytes += len(kept.body)
            while len(self._kept) > self._max_entries or self._bytes > self._max_bytes:
                self._forget(next(iter(self._kept)))

    def _forget(self, product_id: int) -> None:
        kept = self._kept.pop(product_id, None)
        if kept is not None:
            self._bytes -= len(kept.body)
