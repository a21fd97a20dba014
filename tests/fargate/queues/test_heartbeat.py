"""What is held stays hidden, whatever SQS answers; what is released does not."""

import threading
from collections.abc import Iterator

import pytest

from fargate.queues.heartbeat import Heartbeat
from fargate.queues.outages import Outage
from fargate.queues.sqs import Message, Queues, SqsQueue
from tests.fargate.queues.conftest import Consumers
from tests.fargate.queues.sqs_server import Queue, SqsServer

VISIBILITY_CHANGE = "ChangeMessageVisibilityBatch"
SECONDS = 60


@pytest.fixture
def orders(sqs: SqsServer, on_sqs: Consumers) -> Iterator[Queue]:
    """A queue with 25 messages. A failed test leaves no request unanswered."""
    yield sqs.create("orders", visibility=600)
    sqs.stalled.clear()


@pytest.fixture
def opened(orders: Queue) -> SqsQueue:
    return Queues(10).open("orders")


@pytest.fixture
def heartbeat(opened: SqsQueue) -> Heartbeat:
    return Heartbeat(opened, Outage("orders"))


@pytest.fixture
def held(sqs: SqsServer, opened: SqsQueue, heartbeat: Heartbeat) -> list[Message]:
    """25 messages that are held."""
    sqs.send("orders", *map(str, range(25)))
    messages = [each for _ in range(3) for each in opened.receive(10, 0)]
    heartbeat.hold(messages)
    return messages


def extended(orders: Queue, heartbeat: Heartbeat) -> set[str]:
    """Return the bodies of the messages whose time-out a beat extends."""
    before = {each.id: each.visible_at for each in orders.messages.values()}
    heartbeat.beat()
    return {each.body for each in orders.messages.values() if each.visible_at > before[each.id]}


ALL = set(map(str, range(25)))


@pytest.mark.parametrize("failure", ["broken", "refused_entries"])
def test_a_beat_that_fails_for_some_is_repeated_for_all(
    sqs: SqsServer, orders: Queue, heartbeat: Heartbeat, held: list[Message], failure: str
) -> None:
    """An answer that is not SQS's does not end the thread, and an entry that fails is not given up."""
    getattr(sqs, failure)[VISIBILITY_CHANGE] = 1
    assert extended(orders, heartbeat) == ALL - set(map(str, range(10)))
    assert extended(orders, heartbeat) == ALL


def test_what_another_consumer_has_received_is_no_longer_extended(
    sqs: SqsServer, orders: Queue, heartbeat: Heartbeat, held: list[Message], caplog: pytest.LogCaptureFixture
) -> None:
    first = next(iter(orders.messages.values()))
    first.visible_at = 0
    assert orders.hand_out(1, 600) == [first]
    assert extended(orders, heartbeat) == ALL - {"0"}
    assert "Queue orders: 1 messages whose handler runs cannot be hidden any longer" in caplog.text
    heartbeat.beat()
    assert caplog.text.count("cannot be hidden any longer") == 1


def test_a_request_that_is_not_answered_holds_no_handler_up(
    sqs: SqsServer, orders: Queue, heartbeat: Heartbeat, held: list[Message]
) -> None:
    """What is released meanwhile is extended by that request at most, for whose end `settle` waits."""
    sqs.stalled.add(VISIBILITY_CHANGE)
    beat, settled = threading.Thread(target=heartbeat.beat), threading.Event()
    beat.start()
    sqs.await_that(lambda: VISIBILITY_CHANGE in sqs.requests)
    heartbeat.release(held[:1])
    heartbeat.hold(held[:1])
    assert heartbeat.release_all() == held[1:] + held[:1]
    waiting = threading.Thread(target=lambda: (heartbeat.settle(), settled.set()))
    waiting.start()
    assert not settled.is_set()
    sqs.stalled.clear()
    for thread in (waiting, beat):
        thread.join(SECONDS)
    assert settled.is_set()
    assert sqs.requests.count(VISIBILITY_CHANGE) == 1
    assert heartbeat.release_all() == []
