"""Powertools' batch processors keep the batches of calls apart."""

from contextvars import Context
from typing import Any

import pytest
from aws_lambda_powertools.utilities.batch import (
    BasePartialBatchProcessor,
    BatchProcessor,
    EventType,
    SqsFifoPartialProcessor,
)

from fargate.http.identifiers import IdentifierSource
from fargate.patches.powertools_batch import keep_calls_apart
from fargate.telemetry.request_scope import RequestScope, current_scope, enter_scope

Report = list[str]


class Counting(BatchProcessor):
    """A processor of an app, with more on itself."""

    def __init__(self) -> None:
        super().__init__(EventType.SQS)
        self.bodies: list[str] = []

    def success_handler(self, record: Any, result: Any) -> Any:
        self.bodies.append(record["body"])
        return super().success_handler(record, result)


def in_a_call(function: Any, *arguments: Any) -> Any:
    """Call a function as a handler is called."""

    def call() -> Any:
        enter_scope(RequestScope(None, IdentifierSource().next(None, None, 0)))
        return function(*arguments)

    return Context().run(call)


def process(processor: Any, records: list[dict[str, Any]], handle: Any) -> Report:
    """Process a batch; return the ids of the failures that are reported."""
    with processor(records, handle):
        processor.process()
    return [each["itemIdentifier"] for each in processor.response()["batchItemFailures"]]


def records(*bodies: str, group: str = "a") -> list[dict[str, Any]]:
    return [{"messageId": each, "body": each, "attributes": {"MessageGroupId": group}} for each in bodies]


@pytest.mark.parametrize(
    ("processor", "failed"),
    [
        (BatchProcessor(EventType.SQS), ["fails"]),
        (SqsFifoPartialProcessor(), ["fails", "last"]),
        (SqsFifoPartialProcessor(skip_group_on_error=True), ["fails", "last"]),
        (Counting(), ["fails"]),
    ],
    ids=["standard", "FIFO", "FIFO by group", "an app's own"],
)
def test_a_batch_that_runs_within_another_changes_nothing_of_it(
    processor: BasePartialBatchProcessor, failed: Report
) -> None:
    """A consumer with threads runs it at the same time; here it runs while a record of the first is handled."""
    keep_calls_apart(current_scope)
    inner: list[Report] = []

    def handle(record: Any) -> None:
        if record.body == "begins":
            inner.append(in_a_call(process, processor, records("starts", "fails", "ends", group="b"), handle))
        if record.body == "fails":
            inner.append(in_a_call(process, processor, records("good", group="b"), handle))
            raise ValueError

    assert in_a_call(process, processor, records("begins", "fails", "last"), handle) == failed
    assert inner == [[], ["fails", "ends"][: len(failed)], []]
    assert processor.fail_messages == []
    assert vars(processor).get("bodies", []) == []


def test_outside_calls_a_processor_is_powertools_own() -> None:
    keep_calls_apart(current_scope)
    processor = BatchProcessor(EventType.SQS, raise_on_entire_batch_failure=False)
    assert process(processor, records("a", "b"), lambda record: 1 // 0) == ["a", "b"]
    assert len(processor.fail_messages) == 2
