"""Copies of the hottest products in this task's memory, for some milliseconds, to save requests to Redis.

A copy is never used after its deadline on this machine's monotonic clock. Absence is never kept. A product is hot, and
worth a copy, if it is requested twice within a moment.
"""

import threading
import time
from collections.abc import Callable
from typing import NamedTuple

MAX_ENTRIES = 10_000
MAX_BYTES = 16 * 1024 * 1024


class _Kept(NamedTuple):
    body: bytes
    until: float  # if there is no body: when the product was requested


class LocalCopies:
    """Bodies of products, each with a deadline; bounded in number and in bytes. Thread-safe."""

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
        """Return the body if its deadline has not passed."""
        kept = self._kept.get(product_id)
        return kept.body if kept is not None and self._clock() < kept.until else None

    def is_hot(self, product_id: int, seconds: float) -> bool:
        """Return whether the product was copied here, or requested, within the last `seconds`."""
        kept = self._kept.get(product_id)
        return kept is not None and self._clock() < kept.until + seconds

    def record_request(self, product_id: int, moment: float) -> None:
        """Record that the product was requested at that moment, without keeping a body."""
        kept = self._kept.get(product_id)
        if kept is None or kept.until < moment:
            self._put(product_id, _Kept(b"", moment))

    def keep(self, product_id: int, body: bytes, until: float) -> None:
        """Keep the body until that moment of the monotonic clock."""
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
