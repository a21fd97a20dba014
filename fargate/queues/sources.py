"""Which queue is consumed for which handler, and how: by the decorator's arguments, and by POLL_QUEUES."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from fargate.errors import ConfigurationError
from fargate.handlers.catalog import Handler, find_handler
from fargate.handlers.kinds import Kind
from fargate.queues.sqs import RECEIVED_AT_MOST, SqsQueue

POLLED = (Kind.SQS_MESSAGE, Kind.SNS_MESSAGE, Kind.S3_EVENT, Kind.CW_EVENT)
"""The kinds that a queue can feed: its own messages, or those of a topic, a bucket or a rule that sends to it."""

LARGEST_BATCH, LONGEST_WINDOW_SECONDS = 10_000, 300
"""Lambda's limits."""


@dataclass(frozen=True, slots=True)
class Source:
    """A queue and the handler that gets its messages."""

    handler: Handler
    queue: str  # its name or ARN
    batch_size: int  # the most messages of one call
    window_seconds: int  # how long a batch is filled; 0: it is what one receive returns
    concurrency: int  # batches at a time

    def faults(self, queue: SqsQueue) -> Iterator[str]:
        """Return what Lambda would refuse, or what cannot work; a sentence each."""
        is_fifo = queue.is_fifo
        if not queue.visibility_seconds:
            yield "the queue's visibility time-out is 0 s: another consumer would get each message too"
        if not 1 <= self.batch_size <= LARGEST_BATCH:
            yield f"batch_size is {self.batch_size}, not between 1 and {LARGEST_BATCH}"
        if not 0 <= self.window_seconds <= LONGEST_WINDOW_SECONDS:
            yield f"its batching window is {self.window_seconds} s, not between 0 and {LONGEST_WINDOW_SECONDS} s"
        if is_fifo and self.window_seconds:
            yield "a FIFO queue has no batching window"
        if is_fifo and self.batch_size > RECEIVED_AT_MOST:
            yield f"batch_size is {self.batch_size}; of a FIFO queue it is at most {RECEIVED_AT_MOST}"
        if not is_fifo and self.batch_size > RECEIVED_AT_MOST and not self.window_seconds:
            yield f"batch_size is {self.batch_size}; above {RECEIVED_AT_MOST} it needs a batching window"


def assign(
    handlers: Sequence[Handler], poll_queues: Iterable[tuple[str, str]], app_name: str, stage: str
) -> list[tuple[Handler, str]]:
    """Find the handlers that POLL_QUEUES names; the second of each pair is its queue.

    Raises:
        ConfigurationError: there is no such handler, or no queue can feed one; a line for each.
    """
    assigned, faults = [], []
    for name, queue in poll_queues:
        try:
            assigned.append((_polled(find_handler(handlers, name, app_name, stage)), queue))
        except ConfigurationError as error:
            faults.append(f"POLL_QUEUES: {error}")
    if faults:
        raise ConfigurationError("\n".join(faults))
    return assigned


def sources_of(
    handlers: Sequence[Handler], assigned: Sequence[tuple[Handler, str]], concurrency: int
) -> tuple[list[Source], list[Handler]]:
    """Return what is consumed, and the handlers that a queue could feed but have none.

    Args:
        handlers: the app's.
        assigned: pairs of a handler and its queue; they win over the decorators.
        concurrency: the most batches of one queue at a time; a decorator may have less.
    """
    named = {handler.name for handler, _ in assigned}
    own = [(each, _own_queue(each)) for each in handlers if each.kind in POLLED and each.name not in named]
    pairs = [*assigned, *((each, queue) for each, queue in own if queue)]
    return [_source(each, queue, concurrency) for each, queue in pairs], [each for each, queue in own if not queue]


def _polled(handler: Handler) -> Handler:
    if handler.kind not in POLLED:
        raise ConfigurationError(f"{handler} cannot be fed by a queue: only {', '.join(POLLED)} can")
    return handler


def _own_queue(handler: Handler) -> str | None:
    """Return the queue of the decorator; topics, buckets and rules have none."""
    config = handler.config
    return getattr(config, "queue_arn", None) or getattr(config, "queue", None)


def _source(handler: Handler, queue: str, concurrency: int) -> Source:
    config: Any = handler.config
    most = getattr(config, "maximum_concurrency", None) or concurrency
    return Source(
        handler,
        queue,
        getattr(config, "batch_size", 1),  # Lambda calls a function once for each event that is not a queue's
        getattr(config, "maximum_batching_window_in_seconds", 0),
        min(concurrency, most),
    )
