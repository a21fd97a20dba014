"""Which messages of a batch a handler reports as failed, by Lambda's rules.

https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-errorhandling.html
"""

import json
from collections.abc import Collection
from typing import Any

FAILURES, IDENTIFIER = "batchItemFailures", "itemIdentifier"


def reported_failures(payload: bytes, ids: Collection[str]) -> frozenset[str]:
    """Return the ids of the messages that failed.

    A result without `batchItemFailures` is a success, whatever else it is. A report that is malformed, or names a
    message that is not in the batch, fails the batch: nothing of it can be trusted.

    Args:
        payload: the handler's result, as Lambda would answer it.
        ids: of the batch's messages.
    """
    failures = _member(payload)
    if failures is None:
        return frozenset()
    named = [_identifier(each) for each in failures] if isinstance(failures, list) else [None]
    return frozenset(each for each in named if each) if set(named) <= set(ids) else frozenset(ids)


def _member(payload: bytes) -> Any:
    try:
        result = json.loads(payload)
    except (ValueError, RecursionError):
        return None  # bytes, which Lambda does not read either
    return result.get(FAILURES) if isinstance(result, dict) else None


def _identifier(item: Any) -> str | None:
    identifier = item.get(IDENTIFIER) if isinstance(item, dict) else None
    return identifier if isinstance(identifier, str) else None
