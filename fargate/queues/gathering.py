"""Fills a batch: one receive, or as many as its window has time for.

One thread at a time waits for the first message of a queue. An idle queue costs one request in 20 s, and when the
process stops, one receive at most still brings messages.
"""

import threading
import time
from collections.abc import Callable

from fargate.queues.heartbeat import Heartbeat
from fargate.queues.outages import Outage
from fargate.queues.sources import Source
from fargate.queues.sqs import Message, RequestError, SqsQueue

MAX_BATCH_BYTES = 6_000_000
"""A batch is full at Lambda's payload limit too."""


class Gatherer:
    """Receives the batches of one queue. Thread-safe.

    Args:
        source: the batch's size and window.
        queue: where messages come from.
        heartbeat: holds each message from its receipt on.
        outage: what failures in a window are reported to.
        stop: ends a window.
        wait_seconds: how long a receive waits for its first message.
        clock: monotonic seconds.
    """

    def __init__(
        self,
        source: Source,
        queue: SqsQueue,
        heartbeat: Heartbeat,
        outage: Outage,
        stop: threading.Event,
        wait_seconds: int,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._source = source
        self._queue = queue
        self._heartbeat = heartbeat
        self._outage = outage
        self._stop = stop
        self._wait_seconds = wait_seconds
        self._clock = clock
        self._waiting = threading.Lock()
        self._brings = False  # whether the last receive has brought messages
        self._lock = threading.Lock()
        self._gathering = 0  # threads

    @property
    def is_gathering(self) -> bool:
        """Whether a thread receives, or waits for its turn."""
        return self._gathering > 0

    def gather(self) -> list[Message]:
        """Return a batch; nothing if no message came.

        Raises:
            RequestError: the first receive failed.
        """
        self._count(1)
        try:
            return self._gather()
        finally:
            self._count(-1)

    def _count(self, change: int) -> None:
        with self._lock:
            self._gathering += change

    def _gather(self) -> list[Message]:
        batch = self._first()
        ends = self._clock() + self._source.window_seconds
        while batch and not self._is_full(batch) and not self._stop.is_set() and (left := ends - self._clock()) > 0:
            try:
                batch += self._receive(self._source.batch_size - len(batch), min(self._wait_seconds, max(1, int(left))))
            except RequestError as error:
                self._outage.failed(error)
                break
        return batch

    def _first(self) -> list[Message]:
        """Return the first messages of a batch: without waiting if there are some, otherwise in turn."""
        batch = self._receive(self._source.batch_size, 0) if self._brings else []
        if not batch:
            with self._waiting:
                batch = [] if self._stop.is_set() else self._receive(self._source.batch_size, self._wait_seconds)
        self._brings = bool(batch)
        return batch

    def _receive(self, count: int, wait_seconds: int) -> list[Message]:
        messages = self._queue.receive(count, wait_seconds)
        self._outage.ended()
        self._heartbeat.hold(messages)
        return messages

    def _is_full(self, batch: list[Message]) -> bool:
        size = sum(len(each["Body"]) for each in batch)
        return len(batch) >= self._source.batch_size or size >= MAX_BATCH_BYTES
