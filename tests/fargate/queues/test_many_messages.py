"""Two consumers, many messages, failures mixed in: each is handled, and the failing ones as often as Lambda would."""

import contextlib
import time
from collections import Counter
from pathlib import Path

import pytest

from tests.fargate.queues.conftest import Records
from tests.fargate.queues.sqs_server import SqsServer
from tests.fargate.queues.test_poll_command import polling

pytestmark = [pytest.mark.infra, pytest.mark.timeout(400)]  # loads both cores for a quarter of a minute

MESSAGES = 10_000
MAX_RECEIVE_COUNT = 3
FAILS_ONE_IN, RAISES_ONE_IN = 20, 400


def order(number: int) -> dict[str, object]:
    """Return an order: some are reported as failed, each time; a few make the whole batch fail, each time."""
    fails = {"fails": True} if number % FAILS_ONE_IN == 1 else {}
    return {"id": number, **fails, **({"raises": True} if number % RAISES_ONE_IN == 2 else {})}


def test_two_consumers_handle_each_message_and_failures_as_often_as_lambda(
    sqs: SqsServer, record: Path, records: Records
) -> None:
    """A message is received three times at most; then it is a dead letter. Neighbours of one that raises come again."""
    orders = sqs.create("orders", visibility=2, max_receive_count=MAX_RECEIVE_COUNT)
    assert orders.dead_letters is not None
    sqs.send("orders", *map(order, range(MESSAGES)))
    with contextlib.ExitStack() as stack:
        for _ in range(2):
            stack.enter_context(polling(sqs, record, POLL_CONCURRENCY="3"))
        sqs.await_that(lambda: not orders.messages, 300)
        ends = time.monotonic() + 0.1
        sqs.await_that(lambda: time.monotonic() > ends)
    lines = [each for each in records() if each["handler"] == "take_orders"]
    calls = Counter(each["id"] for line in lines for each in line["bodies"])
    broken = [line["bodies"] for line in lines if any("raises" in each for each in line["bodies"])]
    raised = {each["id"] for bodies in broken for each in bodies}
    failing = {each for each in range(MESSAGES) if len(order(each)) > 1}
    dead = {int(each.id.removeprefix("m")) for each in orders.dead_letters.messages.values()}
    assert set(calls) == set(range(MESSAGES))
    assert {each: calls[each] for each in failing} == dict.fromkeys(failing, MAX_RECEIVE_COUNT)
    assert dead >= failing
    assert dead - failing <= raised
    again = {each for each, times in calls.items() if times > 1} - failing - raised
    assert len(again) < MESSAGES / 100  # none, unless the machine stands still for seconds
