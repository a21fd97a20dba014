"""Consumes one queue for one handler.

What must hold: a message is deleted only after the handler succeeded with it. Whatever else happens, it is left or
given back, and SQS hands it out again, until its redrive policy takes it.
"""

import logging
import threading
import time
from collections.abc import Callable, Sequence

from fargate.handlers.invocation import DEADLINE_SECONDS, Invoker
from fargate.handlers.kinds import Kind
from fargate.patches.powertools_batch import keep_calls_apart
from fargate.queues.batch_telemetry import NAMED_AT_MOST, BatchMetrics, BatchRecord
from fargate.queues.events import EVENT_OF, NotUnwrapped
from fargate.queues.failures import reported_failures
from fargate.queues.gathering import Gatherer
from fargate.queues.heartbeat import Heartbeat
from fargate.queues.outages import SHORTEST_WAIT_SECONDS, Outage
from fargate.queues.sources import Source
from fargate.queues.sqs import Message, RequestError, SqsQueue
from fargate.telemetry.request_scope import current_scope

logger = logging.getLogger("fargate")

DELETE_ATTEMPTS = 5

LATER_SECONDS = 1
"""When messages show that are given back while this process still receives: it would get them itself, and end."""


class Poller:
    """Consumes one queue; `work` runs in as many threads as the source's concurrency.

    Args:
        source: the queue's handler and its batches.
        queue: the queue.
        invoker: calls the handler.
        metrics: records each batch.
        stop: once it is set, nothing more is received.
        wait_seconds: how long a receive waits for its first message.
        clock: seconds since the epoch.
    """

    def __init__(
        self,
        source: Source,
        queue: SqsQueue,
        invoker: Invoker,
        metrics: BatchMetrics,
        stop: threading.Event,
        wait_seconds: int,
        clock: Callable[[], float] = time.time,
    ) -> None:
        keep_calls_apart(current_scope)
        self.source = source
        self._queue = queue
        self._invoker = invoker
        self._metrics = metrics
        self._stop = stop
        self._clock = clock
        self._outage = Outage(queue.name)
        self._heartbeat = Heartbeat(queue, self._outage)
        self._lock = threading.Lock()
        self._unbegun: list[Message] = []  # received after the stop
        self._gatherer = Gatherer(source, queue, self._heartbeat, self._outage, stop, wait_seconds)
        metrics.begin(source, queue.name)

    def __str__(self) -> str:
        source = self.source
        batches = f"up to {source.batch_size} messages a call, {source.concurrency} calls at a time"
        return f"Polling {self._queue.arn} for {source.handler}: {batches}"

    def start(self) -> None:
        """Begin to extend the visibility of what is received."""
        self._heartbeat.start()

    def work(self) -> None:
        """Handle batch after batch, until `stop` is set."""
        while not self._stop.is_set():
            try:
                self._work_once()
            except RequestError as error:
                self._stop.wait(self._outage.failed(error))
            except Exception:
                logger.exception("Queue %s: a batch could not be handled", self._queue.name)
                self._stop.wait(SHORTEST_WAIT_SECONDS)

    def give_all_back(self) -> None:
        """Let other consumers have what is held now, also what a handler is still at work on."""
        self._show(self._heartbeat.release_all(), LATER_SECONDS if self._gatherer.is_gathering else 0)

    def _work_once(self) -> None:
        batch = self._gatherer.gather()
        if self._stop.is_set():
            self._give_back(batch)
        elif batch:
            self._handle(batch)

    def _give_back(self, batch: Sequence[Message]) -> None:
        """Give back what was received after the stop, when no thread receives any more: it would get it again.

        Each receipt counts for the redrive policy.
        """
        with self._lock:
            self._unbegun += batch
            if self._gatherer.is_gathering:
                return
            given, self._unbegun = self._unbegun, []
        self._heartbeat.release(given)
        self._show(given, 0)

    def _handle(self, batch: Sequence[Message]) -> None:
        began, counter = self._clock(), time.perf_counter()
        try:
            failed = self._call(batch)
        finally:
            self._heartbeat.release(batch)
        seconds = time.perf_counter() - counter
        self._delete([each for each in batch if each["MessageId"] not in failed])
        self._metrics.record(self._record(batch, failed, began, seconds))

    def _call(self, batch: Sequence[Message]) -> frozenset[str]:
        """Call the handler; return the ids of the messages that failed."""
        ids = frozenset(each["MessageId"] for each in batch)
        handler = self.source.handler
        try:
            event = EVENT_OF[handler.kind](batch, self._queue.arn, self._queue.region)
        except NotUnwrapped as error:
            logger.error("Queue %s: %s cannot get the message %s: %s", self._queue.name, handler, *ids, error)
            return ids
        if event is None:
            return frozenset()
        answer = self._invoker.invoke(handler, event, DEADLINE_SECONDS, _trace_header(batch))
        if answer.error is not None:
            return ids
        return reported_failures(answer.payload, ids) if handler.kind is Kind.SQS_MESSAGE else frozenset()

    def _delete(self, done: Sequence[Message]) -> None:
        """Delete what is done. What cannot be deleted is handled again: SQS promises no more than at least once."""
        wait_seconds = 0.0
        for _ in range(DELETE_ATTEMPTS):
            time.sleep(wait_seconds)
            done, wait_seconds = self._left_after_deletion(done)
            if not done:
                return
        self._say_undeleted(done)

    def _left_after_deletion(self, done: Sequence[Message]) -> tuple[Sequence[Message], float]:
        """Delete messages; return those for another attempt, and after how many seconds."""
        try:
            refused = self._queue.delete(done)
        except RequestError as error:
            return done, self._outage.failed(error)
        self._say_undeleted(refused.for_good)
        return refused.now, SHORTEST_WAIT_SECONDS

    def _say_undeleted(self, messages: Sequence[Message]) -> None:
        if messages:
            text = "Queue %s: %d handled messages cannot be deleted and will come again"
            logger.error(text, self._queue.name, len(messages))

    def _show(self, messages: Sequence[Message], seconds: int) -> None:
        """Let other consumers have messages, at once or in some seconds."""
        if not messages:
            return
        self._heartbeat.settle()
        try:
            self._queue.change_visibility(messages, seconds)
        except RequestError as error:
            logger.warning("Queue %s: %d messages come back late: %s", self._queue.name, len(messages), error)
        else:
            logger.info("Queue %s: %d messages are given back", self._queue.name, len(messages))

    def _record(self, batch: Sequence[Message], failed: frozenset[str], began: float, seconds: float) -> BatchRecord:
        failures = [each["MessageId"] for each in batch if each["MessageId"] in failed]
        oldest = began - min(int(each["Attributes"]["SentTimestamp"]) for each in batch) / 1000
        name = self.source.handler.name
        return BatchRecord(
            self._queue.name,
            name,
            len(batch),
            len(failures),
            round(seconds * 1000, 3),
            round(max(0.0, oldest), 3),
            failures[:NAMED_AT_MOST],
        )


def _trace_header(batch: Sequence[Message]) -> str | None:
    """Return the trace of the sender, if the batch has one: segments have one parent."""
    headers = {each["Attributes"].get("AWSTraceHeader") for each in batch}
    return headers.pop() if len(headers) == 1 else None
