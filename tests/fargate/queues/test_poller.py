"""A queue is consumed as Lambda's poller does: what is deleted, what comes back, and when."""

import itertools
import json
import signal
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from prometheus_client import generate_latest

from fargate.queues.outages import SHORTEST_WAIT_SECONDS
from tests.fargate.queues.conftest import Consumers, Records
from tests.fargate.queues.sqs_server import SqsServer

VISIBILITY_CHANGE, DELETION, RECEIVE = "ChangeMessageVisibilityBatch", "DeleteMessageBatch", "ReceiveMessage"
BOTO_ATTEMPTS = 3


@pytest.fixture(autouse=True)
def _no_long_end(sqs: SqsServer) -> Iterator[None]:
    """A failed test does not wait for long receives either."""
    yield
    sqs.ends_waits = True
    sqs.stalled.clear()


def test_messages_are_deleted_after_the_handler_succeeded(
    sqs: SqsServer, on_sqs: Consumers, records: Records, pipe: Path
) -> None:
    orders = sqs.create("orders")
    sqs.send("orders", {"waits_for": str(pipe)}, {"id": 2})
    with on_sqs.consuming(on_sqs.source("take_orders")):
        sqs.await_that(records)
        assert orders.hidden() == 2
        assert DELETION not in sqs.requests
        pipe.write_text("go on")
        sqs.await_that(lambda: not orders.messages)
        sqs.ends_waits = True
    assert [each["bodies"] for each in records()] == [[{"waits_for": str(pipe)}, {"id": 2}]]
    assert sqs.requests.count(DELETION) == 1
    text = generate_latest(on_sqs.registry).decode()
    labels = 'handler="take_orders",outcome="success",queue="orders"'
    assert f"queue_messages_total{{{labels}}} 2.0" in text
    assert f"queue_messages_total{{{labels.replace('success', 'failure')}}} 0.0" in text


def test_a_batch_whose_handler_raises_comes_back_until_the_redrive_policy_takes_it(
    sqs: SqsServer, on_sqs: Consumers, records: Records
) -> None:
    orders = sqs.create("orders", visibility=1, max_receive_count=2)
    assert orders.dead_letters is not None
    sqs.send("orders", {"raises": True}, {"id": 2})
    with on_sqs.consuming(on_sqs.source("take_orders")):
        sqs.await_that(lambda: not orders.messages)
        sqs.ends_waits = True
    assert [each["received"] for each in records()] == [[1, 1], [2, 2]]
    assert len(orders.dead_letters.messages) == 2
    assert DELETION not in sqs.requests


def test_reported_failures_are_kept_and_the_others_deleted(
    sqs: SqsServer, on_sqs: Consumers, caplog: pytest.LogCaptureFixture
) -> None:
    orders = sqs.create("orders")
    sqs.send("orders", {"id": 1}, {"id": 2, "fails": True}, {"id": 3})
    set_back = itertools.count(time.time(), -3600).__next__
    with on_sqs.consuming(on_sqs.source("take_orders"), clock=set_back):
        sqs.await_that(lambda: len(orders.messages) == 1)
        sqs.ends_waits = True
    assert [each.body for each in orders.messages.values()] == ['{"id": 2, "fails": true}']
    assert orders.hidden() == 1
    (line,) = [each for each in caplog.records if hasattr(each, "batch")]
    batch = vars(line)["batch"]
    assert (batch["queue"], batch["handler"], batch["size"], batch["failures"]) == ("orders", "take_orders", 3, 1)
    assert batch["failed_ids"] == [*orders.messages]
    assert batch["duration_ms"] >= 0
    assert batch["oldest_age_seconds"] >= 0
    assert line.levelname == "WARNING"


def test_two_batches_at_the_same_time_report_their_own_failures(
    sqs: SqsServer, on_sqs: Consumers, records: Records, pipe: Path
) -> None:
    """Powertools' processor keeps failures on itself: the second batch would empty the list of the first."""
    parcels = sqs.create("parcels")
    with on_sqs.consuming(on_sqs.source("pack_parcels", concurrency=2)):
        sqs.send("parcels", {"id": 1, "raises": True}, {"id": 2, "waits_for": str(pipe)})
        sqs.await_that(lambda: len(records()) == 2)
        sqs.send("parcels", {"id": 3})
        sqs.await_that(lambda: len(parcels.messages) == 2)
        pipe.write_text("go on")
        sqs.await_that(lambda: sqs.requests.count(DELETION) == 2)
        sqs.ends_waits = True
    assert [json.loads(each.body)["id"] for each in parcels.messages.values()] == [1]


def test_a_report_that_names_another_message_fails_the_batch(
    sqs: SqsServer, on_sqs: Consumers, records: Records
) -> None:
    orders = sqs.create("orders")
    sqs.send("orders", {"returns": {"batchItemFailures": [{"itemIdentifier": "another"}]}}, {"id": 2})
    with on_sqs.consuming(on_sqs.source("take_orders")):
        sqs.await_that(records)
        sqs.ends_waits = True
    assert orders.hidden() == 2


def test_messages_stay_hidden_while_their_handler_runs(
    sqs: SqsServer, on_sqs: Consumers, records: Records, pipe: Path
) -> None:
    orders = sqs.create("orders", visibility=3)
    sqs.send("orders", {"waits_for": str(pipe)})
    (message,) = orders.messages.values()
    with on_sqs.consuming(on_sqs.source("take_orders", concurrency=2)):
        sqs.await_that(records)
        until = message.visible_at
        sqs.await_that(lambda: message.visible_at > until)
        assert message.received == 1
        pipe.write_text("go on")
        sqs.await_that(lambda: not orders.messages)
        sqs.ends_waits = True
    assert VISIBILITY_CHANGE in sqs.requests
    assert [each["received"] for each in records()] == [[1]]


def test_a_batch_is_filled_by_several_receives(sqs: SqsServer, on_sqs: Consumers, records: Records) -> None:
    """25 messages come in three receives, the last ones after the first two."""
    collected = sqs.create("collected")
    sqs.send("collected", *map(str, range(20)))
    with on_sqs.consuming(on_sqs.source("collect")):
        sqs.await_that(lambda: sqs.requests.count(RECEIVE) == 3)
        sqs.send("collected", *map(str, range(20, 25)))
        sqs.await_that(lambda: not collected.messages)
        sqs.ends_waits = True
    assert [each["bodies"] for each in records()] == [list(map(str, range(25)))]


def test_a_batch_that_is_not_full_is_handled_when_its_window_ends(
    sqs: SqsServer, on_sqs: Consumers, records: Records
) -> None:
    collected = sqs.create("collected")
    sqs.send("collected", "one")
    began = time.monotonic()
    with on_sqs.consuming(replace(on_sqs.source("collect"), window_seconds=1)):
        sqs.await_that(lambda: not collected.messages)
        sqs.ends_waits = True
    assert time.monotonic() - began >= 1
    assert [each["bodies"] for each in records()] == [["one"]]


def test_groups_of_a_fifo_queue_stay_in_order_when_a_batch_fails(
    sqs: SqsServer, on_sqs: Consumers, records: Records
) -> None:
    """The group whose batch failed waits for its return; another group goes on meanwhile."""
    lines = sqs.create("lines.fifo", visibility=2)
    sqs.send("lines.fifo", "fails first", "a2", "a3", "a4", group="a")
    sqs.send("lines.fifo", "b1", "b2", group="b")
    with on_sqs.consuming(on_sqs.source("take_lines", concurrency=3)):
        sqs.await_that(lambda: not lines.messages)
        sqs.ends_waits = True
    seen = [body for each in records() for body in each["bodies"]]
    assert [body for body in seen if not body.startswith("b")] == ["fails first", "a2", "a3"] * 2 + ["a4"]
    assert seen.index("b2") < len(seen) - 4
    assert max(len(each["bodies"]) for each in records()) == 3


def test_messages_of_a_group_whose_answer_is_lost_come_with_the_next_attempt(
    sqs: SqsServer, on_sqs: Consumers, records: Records
) -> None:
    """Otherwise they would stay hidden, and so would their group."""
    lines = sqs.create("lines.fifo", visibility=600)
    sqs.lost[RECEIVE] = 1
    sqs.send("lines.fifo", "a1", "a2", "a3", "a4", group="a")
    with on_sqs.consuming(on_sqs.source("take_lines")):
        sqs.await_that(lambda: not lines.messages, 20)
        sqs.ends_waits = True
    assert [each["bodies"] for each in records()] == [["a1", "a2", "a3"], ["a4"]]


def test_deletions_are_repeated(sqs: SqsServer, on_sqs: Consumers, records: Records) -> None:
    orders = sqs.create("orders")
    sqs.refusals[DELETION] = BOTO_ATTEMPTS
    sqs.send("orders", {"id": 1})
    with on_sqs.consuming(on_sqs.source("take_orders")):
        sqs.await_that(lambda: not orders.messages)
        sqs.ends_waits = True
    assert len(records()) == 1
    assert sqs.requests.count(DELETION) == BOTO_ATTEMPTS + 1


def test_what_sqs_could_not_delete_is_tried_again_after_a_while(
    sqs: SqsServer, on_sqs: Consumers, records: Records
) -> None:
    """SQS answers 200, and says for each message how it went."""
    orders = sqs.create("orders")
    sqs.refused_entries[DELETION] = 1
    sqs.send("orders", {"id": 1})
    began = time.monotonic()
    with on_sqs.consuming(on_sqs.source("take_orders")):
        sqs.await_that(lambda: not orders.messages)
        sqs.ends_waits = True
    assert time.monotonic() - began >= SHORTEST_WAIT_SECONDS
    assert len(records()) == 1


def test_a_message_that_another_consumer_has_meanwhile_is_named_when_it_is_handled(
    sqs: SqsServer, on_sqs: Consumers, records: Records, pipe: Path, caplog: pytest.LogCaptureFixture
) -> None:
    orders = sqs.create("orders.fifo")
    sqs.send("orders.fifo", {"waits_for": str(pipe)}, group="a")
    (message,) = orders.messages.values()
    with on_sqs.consuming(on_sqs.source("take_orders", "orders.fifo")):
        sqs.await_that(records)
        with sqs.changed:
            message.visible_at = 0
            assert orders.hand_out(1, 600) == [message]
        pipe.write_text("go on")
        sqs.await_that(lambda: DELETION in sqs.requests)
        sqs.ends_waits = True
    assert list(orders.messages.values()) == [message]
    assert "Queue orders.fifo: 1 handled messages cannot be deleted and will come again" in caplog.text


def test_a_batch_is_handled_though_sqs_breaks_while_it_is_filled(
    sqs: SqsServer, on_sqs: Consumers, records: Records
) -> None:
    """Its messages would stay hidden for twelve hours otherwise."""
    collected = sqs.create("collected")
    sqs.send("collected", "one")
    with on_sqs.consuming(on_sqs.source("collect")):
        sqs.await_that(lambda: sqs.requests.count(RECEIVE) == 2)
        with sqs.changed:
            sqs.broken[RECEIVE] = 1
            sqs.send("collected", *map(str, range(10)))
        sqs.await_that(lambda: not collected.messages)
        sqs.ends_waits = True
    assert sum(len(each["bodies"]) for each in records()) == 11


def test_a_deletion_that_is_not_answered_is_soon_repeated(
    sqs: SqsServer, on_sqs: Consumers, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A receive may wait for its answer for half a minute; as long a deletion would let the message come again."""
    monkeypatch.setattr("fargate.queues.sqs.ANSWER_SECONDS", 0.2)
    orders = sqs.create("orders")
    sqs.stalled.add(DELETION)
    sqs.send("orders", {"id": 1})
    with on_sqs.consuming(on_sqs.source("take_orders")):
        sqs.await_that(lambda: sqs.requests.count(DELETION) == 2, 20)
        sqs.stalled.clear()
        sqs.await_that(lambda: not orders.messages)
        sqs.ends_waits = True


def test_an_outage_has_one_line_and_ends_with_another(
    sqs: SqsServer, on_sqs: Consumers, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO", "fargate")
    orders = sqs.create("orders")
    sqs.refusals[RECEIVE] = 2 * BOTO_ATTEMPTS
    sqs.send("orders", {"id": 1})
    with on_sqs.consuming(on_sqs.source("take_orders", concurrency=2)):
        sqs.await_that(lambda: not orders.messages)
        sqs.ends_waits = True
    lines = [each.getMessage() for each in caplog.records if "SQS" in each.getMessage()]
    assert len(lines) == 2, lines
    assert lines[0].startswith("Queue orders: SQS fails, it is tried again until it answers: ")
    assert lines[1].startswith("Queue orders: SQS answers again, after ")


@pytest.mark.parametrize("stops_by", ["the end of the drain", "a second signal"])
def test_what_is_still_running_after_the_drain_is_given_back(
    sqs: SqsServer, on_sqs: Consumers, records: Records, pipe: Path, stops_by: str
) -> None:
    """Another thread still waits for messages. It does not get them: they show when the process would be gone."""
    orders = sqs.create("orders", visibility=600)
    sqs.send("orders", {"waits_for": str(pipe)}, {"id": 2})
    drain_seconds = 0.1 if stops_by == "the end of the drain" else 600
    with on_sqs.consuming(on_sqs.source("take_orders", concurrency=2), drain_seconds) as consumer:
        sqs.await_that(lambda: records() and sqs.requests.count(RECEIVE) >= 2)
        assert orders.hidden() == 2
        consumer.signals.put(signal.SIGTERM)
        if drain_seconds > 1:
            consumer.signals.put(signal.SIGTERM)
        consumer.join()
        assert not consumer.has_ended
        sqs.ends_waits = True
        sqs.await_that(lambda: orders.hidden() == 0)
        assert [each.received for each in orders.messages.values()] == [1, 1]
    pipe.write_text("go on")
    sqs.await_that(lambda: not orders.messages)  # here its process lives on


def test_what_is_received_after_the_signal_is_given_back_unhandled(
    sqs: SqsServer, on_sqs: Consumers, records: Records
) -> None:
    """The receive that waits when the signal comes gets a message; no other thread gets it after that."""
    orders = sqs.create("orders", visibility=600)
    with on_sqs.consuming(on_sqs.source("take_orders", concurrency=5)) as consumer:
        sqs.await_that(lambda: RECEIVE in sqs.requests)
        consumer.signals.put(signal.SIGTERM)
        sqs.await_that(consumer.stop.is_set)
        sqs.send("orders", {"id": 1})
        consumer.join()
        assert consumer.has_ended
    assert [each.received for each in orders.messages.values()] == [1]
    assert orders.hidden() == 0
    assert records() == []
