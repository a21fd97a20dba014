"""An audit of the cache's promise where it counts, in production: a few answers are looked at again.

What must hold: it never delays an answer, costs one read of the database for each answer it looks at, and calls a
difference a mismatch only where the same entry stood in Redis before and after the database was asked.
"""

import logging
import random
import threading
import time
from collections.abc import Callable
from queue import Full, Queue

from chalicelib.cache.entries import key_of
from chalicelib.cache.redis_steps import RedisSteps
from chalicelib.errors import ShopError
from chalicelib.ports import AuditResult
from chalicelib.redis_client.errors import RedisError

logger = logging.getLogger("shop")

ONE_IN = 1000
PAUSE_SECONDS = 0.5
"""Between two looks: with ten thousand answers a second, more of them would take the interpreter from answering."""

WAITING = 1
"""How many answers may wait to be looked at; past that they are let go."""


Count = Callable[[AuditResult], None]


class Audit:
    """Compares cached answers with the database, in a thread of its own that starts with the first of them.

    Args:
        shared: where the answers came from.
        load: reads a product's JSON from the database.
        count: told each result.
        one_in: how many answers there are for each that is looked at; 0 for no audit.
    """

    def __init__(
        self, shared: RedisSteps, load: Callable[[int], bytes | None], count: Count, one_in: int = ONE_IN
    ) -> None:
        self._shared = shared
        self._load = load
        self._count = count
        self._one_in = one_in
        self._waiting: Queue[tuple[int, bytes]] = Queue(WAITING)
        self._lock = threading.Lock()
        self._thread: threading.Thread | None = None

    def consider(self, product_id: int, body: bytes) -> None:
        """Take note of an answer, now and then."""
        if self._one_in and random.random() * self._one_in < 1:  # noqa: S311  a sample
            try:
                self._waiting.put_nowait((product_id, body))
            except Full:
                return
            self._start()

    def look(self, product_id: int, body: bytes) -> AuditResult:
        """Compare one answer with the database, and delete it from Redis where it is wrong."""
        key = key_of(product_id)
        try:
            if self._shared.peek(key) != body:
                return AuditResult.CHANGED
            if self._load(product_id) == body:
                return AuditResult.MATCH
            if not self._shared.drop(key, body):
                return AuditResult.CHANGED
        except (RedisError, ShopError):
            return AuditResult.UNKNOWN
        logger.error("The cache held an old value of product %d; it was deleted", product_id)
        return AuditResult.MISMATCH

    def _start(self) -> None:
        with self._lock:
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name="audit", daemon=True)
                self._thread.start()

    def _run(self) -> None:
        while True:
            self._count(self.look(*self._waiting.get()))
            time.sleep(PAUSE_SECONDS)
