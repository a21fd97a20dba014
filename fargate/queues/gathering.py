"""Fills a batch: one receive, or as many as its window has time for."""

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

    def gather(self) -> list[Message]:
        """Return a batch; nothing if no message came.

        Raises:
            RequestError: the first receive failed.
        """
        batch = self._receive(self._source.batch_size, self._wait_seconds)
        ends = self._clock() + self._source.window_seconds
        while batch and not self._is_full(batch) and not self._stop.is_set() and (left := ends - self._clock()) > 0:
            try:
                batch += self._receive(self._source.batch_size - len(batch), min(self._wait_seconds, max(1, int(left))))
            except RequestError as error:
                self._outage.failed(error)
                break
        return batch

    def _receive(self, count: int, wait_seconds: int) -> list[Message]:
        messages = self._queue.receive(count, wait_seconds)
        self._outage.ended()
        self._heartbeat.hold(messages)
        return messages

    def _is_full(self, batch: list[Message]) -> bool:
        size = sum(len(each["Body"]) for each in batch)
        return len(batch) >= self._source.batch_size or size >= MAX_BATCH_BYTES
