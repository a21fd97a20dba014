"""Which queue is consumed for which handler, and what Lambda would refuse."""

import pytest

from fargate.errors import ConfigurationError
from fargate.handlers.catalog import Handler
from fargate.queues.sources import Source, assign, sources_of
from fargate.queues.sqs import Queues, SqsQueue
from fargate.settings import read_settings


def queue(name: str = "orders", visibility: str = "30") -> SqsQueue:
    attributes = {"QueueArn": f"arn:aws:sqs:eu-west-1:123456789012:{name}", "VisibilityTimeout": visibility}
    return SqsQueue(None, None, "", attributes)


def pairs(handlers: list[Handler], text: str) -> list[tuple[str, str, int]]:
    """Return the handler, queue and concurrency of each source, with POLL_QUEUES of this text."""
    settings = read_settings({"POLL_QUEUES": text})
    sources, _ = sources_of(handlers, assign(handlers, settings.poll_queues, "queues", "dev"), 5)
    return [(each.handler.name, each.queue, each.concurrency) for each in sources]


def test_the_decorators_name_queues(handlers: list[Handler]) -> None:
    sources, without = sources_of(handlers, [], 5)
    assert [(each.handler.name, each.queue, each.batch_size, each.window_seconds) for each in sources] == [
        ("collect", "collected", 25, 5),
        ("pack_parcels", "parcels", 2, 0),
        ("take_lines", "lines.fifo", 3, 0),
        ("take_orders", "orders", 10, 0),
    ]
    assert [each.name for each in without] == ["paid", "uploaded", "read_news"]


def test_poll_queues_adds_and_replaces_queues(handlers: list[Handler]) -> None:
    """A handler may have several; Lambda's name of a function is known too; an ARN is a queue's."""
    found = pairs(handlers, " read_news = news, queues-dev-uploaded=arn:aws:sqs:x, take_orders=a,take_orders=b,")
    assert sorted(found) == [
        ("collect", "collected", 2),
        ("pack_parcels", "parcels", 5),
        ("read_news", "news", 5),
        ("take_lines", "lines.fifo", 5),
        ("take_orders", "a", 5),
        ("take_orders", "b", 5),
        ("uploaded", "arn:aws:sqs:x", 5),
    ]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("news", "POLL_QUEUES has 'news', not a handler and its queue such as news=news-queue"),
        ("=queue", "POLL_QUEUES has '=queue', not a handler and its queue"),
        ("hourly=orders", "POLL_QUEUES: schedule hourly cannot be fed by a queue: only on_sqs_message, "),
        ("nothing=orders", "POLL_QUEUES: There is no handler 'nothing'. The app has:\n"),
    ],
)
def test_what_poll_queues_cannot_say(handlers: list[Handler], text: str, message: str) -> None:
    with pytest.raises(ConfigurationError) as refused:
        pairs(handlers, text)
    assert message in str(refused.value)


@pytest.mark.parametrize(
    ("name", "visibility", "batch_size", "window", "message"),
    [
        ("orders", "0", 10, 0, "the queue's visibility time-out is 0 s: another consumer would get each message too"),
        ("orders", "30", 11, 0, "batch_size is 11; above 10 it needs a batching window"),
        ("orders", "30", 10_001, 1, "batch_size is 10001, not between 1 and 10000"),
        ("orders", "30", 10, 301, "its batching window is 301 s, not between 0 and 300 s"),
        ("a.fifo", "30", 10, 1, "a FIFO queue has no batching window"),
        ("a.fifo", "30", 11, 0, "batch_size is 11; of a FIFO queue it is at most 10"),
        ("orders", "1", 10_000, 300, None),
        ("a.fifo", "30", 10, 0, None),
    ],
)
def test_what_lambda_refuses(
    handlers: list[Handler], name: str, visibility: str, batch_size: int, window: int, message: str | None
) -> None:
    source = Source(handlers[0], name, batch_size, window, 5)
    assert list(source.faults(queue(name, visibility))) == ([message] if message else [])


@pytest.mark.parametrize("arn", ["arn:aws:sns:eu-west-1:123456789012:news", "arn:aws:sqs:orders"])
def test_another_arn_is_refused(arn: str) -> None:
    with pytest.raises(ConfigurationError, match="is not the ARN of a queue"):
        Queues(1).open(arn)
