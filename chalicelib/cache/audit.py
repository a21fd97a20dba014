"""The audit of the cache in production: compares a sample of cached answers with the database.

It never delays an answer, and costs one database read per sample. A difference counts as a mismatch only if Redis held
the same entry before and after the database was read.
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
"""Between two samples: at ten thousand answers a second, more samples would slow the answers down."""

QUEUE_SIZE = 1
"""How many samples may wait; further ones are dropped."""

Count = Callable[[AuditResult], None]


class Audit:
    """Compares cached answers with the database, in a thread that starts with the first sample.

    Args:
        shared: the cache in Redis.
        load: reads a product's JSON from the database.
        count: called with each result.
        one_in: the number of answers per sample; 0 for no audit.
    """

    def __init__(
        self, shared: RedisSteps, load: Callable[[int], bytes | None], count: Count, one_in: int = ONE_IN
    ) -> None:
        self._shared = shared
        self._load = load
        self._count = count
        self._one_in = one_in
        self._waiting: Queue[tuple[int, bytes]] = Queue(QUEUE_SIZE)
        self._lock = threading.Lock()
        self._thread: threading.Thread | None = None

    def consider(self, product_id: int, body: bytes) -> None:
        """Queue the answer for the audit if it is sampled."""
        if self._one_in and random.random() * self._one_in < 1:  # noqa: S311  a sample
            try:
                self._waiting.put_nowait((product_id, body))
            except Full:
                return
            self._start()

    def compare(self, product_id: int, body: bytes) -> AuditResult:
        """Compare an answer with the database; delete it from Redis if it is wrong."""
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
            self._count(self.compare(*self._waiting.get()))
            time.sleep(PAUSE_SECONDS)
