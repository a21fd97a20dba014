"""Which messages a result reports as failed: Lambda's table."""

import json
from typing import Any

import pytest

from fargate.queues.failures import reported_failures

ALL = frozenset({"a", "b"})
NONE: frozenset[str] = frozenset()


@pytest.mark.parametrize(
    ("result", "failed"),
    [
        (None, NONE),
        ({}, NONE),
        ("batchItemFailures", NONE),
        ([{"itemIdentifier": "a"}], NONE),
        ({"batchItemFailures": None}, NONE),
        ({"batchItemFailures": []}, NONE),
        ({"batchItemFailures": [{"itemIdentifier": "a"}]}, {"a"}),
        ({"batchItemFailures": [{"itemIdentifier": "a"}, {"itemIdentifier": "a"}]}, {"a"}),
        ({"batchItemFailures": [{"itemIdentifier": "a"}, {"itemIdentifier": "b"}]}, ALL),
        ({"batchItemFailures": [{"itemIdentifier": ""}]}, ALL),
        ({"batchItemFailures": [{"itemIdentifier": None}]}, ALL),
        ({"batchItemFailures": [{"itemIdentifier": 1}]}, ALL),
        ({"batchItemFailures": [{"messageId": "a"}]}, ALL),
        ({"batchItemFailures": [{"itemIdentifier": "another"}]}, ALL),
        ({"batchItemFailures": [{"itemIdentifier": "a"}, {"itemIdentifier": "another"}]}, ALL),
        ({"batchItemFailures": ["a"]}, ALL),
        ({"batchItemFailures": {"itemIdentifier": "a"}}, ALL),
        ({"batchItemFailures": "a"}, ALL),
    ],
)
def test_a_report_is_read_as_lambda_reads_it(result: Any, failed: frozenset[str]) -> None:
    assert reported_failures(json.dumps(result).encode(), ALL) == failed


def test_bytes_are_no_report() -> None:
    assert reported_failures(b"\xff\x00", ALL) == NONE
