"""Keeps received messages hidden from other consumers until they are done.

What must hold: a message that was released is not hidden any more once `settle` has returned. A request that SQS does
not answer delays neither `hold` nor `release`.
"""

import logging
import threading
from collections.abc import Iterable, Sequence

from fargate.queues.outages import Outage
from fargate.queues.sqs import RECEIVED_AT_MOST, Message, RequestError, SqsQueue

logger = logging.getLogger("fargate")

BEATS = 3
"""Attempts in a visibility time-out: two may fail."""


class Heartbeat:
    """Extends the visibility time-out of what is held, again and again. Thread-safe.

    Args:
        queue: the queue that the messages are from.
        outage: what failures are reported to.
    """

    def __init__(self, queue: SqsQueue, outage: Outage) -> None:
        self._queue = queue
        self._outage = outage
        self._held: dict[str, Message] = {}
        self._lock = threading.Lock()
        self._requesting = threading.Lock()

    def start(self) -> None:
        """Begin to extend; it ends with the process."""
        threading.Thread(target=self._run, name=f"heartbeat {self._queue.name}", daemon=True).start()

    def hold(self, messages: Iterable[Message]) -> None:
        """Keep messages hidden."""
        with self._lock:
            self._held |= {each["ReceiptHandle"]: each for each in messages}

    def release(self, messages: Iterable[Message]) -> None:
        """No longer keep messages hidden; those that are not held change nothing."""
        with self._lock:
            for each in messages:
                self._held.pop(each["ReceiptHandle"], None)

    def release_all(self) -> list[Message]:
        """No longer keep any hidden; return what was held."""
        with self._lock:
            held, self._held = list(self._held.values()), {}
        return held

    def settle(self) -> None:
        """Wait for the request that is under way, which may still hide what has just been released."""
        with self._requesting:
            pass

    def beat(self) -> None:
        """Extend the time-out of all that is held."""
        with self._lock:
            handles = list(self._held)
        for start in range(0, len(handles), RECEIVED_AT_MOST):
            self._extend(handles[start : start + RECEIVED_AT_MOST])

    def _extend(self, handles: Sequence[str]) -> None:
        with self._requesting:
            try:
                refused = self._queue.change_visibility(self._still_held(handles), self._queue.visibility_seconds)
            except RequestError as error:
                self._outage.failed(error)
            else:
                self._forget(refused.for_good)

    def _still_held(self, handles: Iterable[str]) -> list[Message]:
        with self._lock:
            return [self._held[each] for each in handles if each in self._held]

    def _forget(self, refused: Iterable[Message]) -> None:
        """Stop extending what SQS refuses: its time is over, or it has been hidden for SQS' twelve hours."""
        with self._lock:
            lost = [each for each in refused if self._held.pop(each["ReceiptHandle"], None)]
        if lost:
            logger.warning(
                "Queue %s: %d messages whose handler runs cannot be hidden any longer; another consumer may get them",
                self._queue.name,
                len(lost),
            )

    def _run(self) -> None:
        never = threading.Event()
        while not never.wait(self._queue.visibility_seconds / BEATS):
            self.beat()
