"""The handlers of an app that HTTP cannot reach: what runs each kind of them, or why it stays on Lambda.

The start logs their names; `check` prints the rest too. A kind that is served some day leaves this table.
"""

from collections.abc import Iterable
from enum import Enum, auto
from typing import Any, NamedTuple

from chalice.app import (
    Chalice,
    CloudWatchEventConfig,
    DynamoDBEventConfig,
    KinesisEventConfig,
    S3EventConfig,
    ScheduledEventConfig,
    SNSEventConfig,
    SQSEventConfig,
)


class Runs(Enum):
    """Where a handler runs that is not served here."""

    BY_COMMAND = auto()  # another command of this package
    UNDER_UVICORN = auto()  # another server
    ON_LAMBDA = auto()


class Unserved(NamedTuple):
    """A handler that HTTP cannot reach."""

    decorator: str  # of Chalice, without `app.`
    name: str
    caller: str  # the command that runs it, or what calls it on Lambda
    runs: Runs

    def __str__(self) -> str:
        return f"{self.decorator} {self.name}"


class _Kind(NamedTuple):
    decorator: str
    caller: str
    runs: Runs = Runs.ON_LAMBDA


_SOURCES: dict[type, _Kind] = {
    ScheduledEventConfig: _Kind("schedule", "chalice-fargate schedule runs it at set times", Runs.BY_COMMAND),
    SQSEventConfig: _Kind("on_sqs_message", "chalice-fargate poll consumes its queue", Runs.BY_COMMAND),
    SNSEventConfig: _Kind(
        "on_sns_message",
        "chalice-fargate poll, if POLL_QUEUES names a queue that is subscribed to its topic",
        Runs.BY_COMMAND,
    ),
    S3EventConfig: _Kind(
        "on_s3_event",
        "chalice-fargate poll, if POLL_QUEUES names a queue that gets its bucket's events",
        Runs.BY_COMMAND,
    ),
    CloudWatchEventConfig: _Kind(
        "on_cw_event",
        "chalice-fargate poll, if POLL_QUEUES names a queue that a rule sends its events to",
        Runs.BY_COMMAND,
    ),
    KinesisEventConfig: _Kind("on_kinesis_record", "Lambda reads each shard of the stream in order for it"),
    DynamoDBEventConfig: _Kind("on_dynamodb_record", "Lambda reads each shard of the table's stream in order for it"),
}
_FUNCTION = _Kind("lambda_function", "if a trigger calls it (Cognito's, Kafka's); by name: chalice-fargate invoke")
_MESSAGE = "on_ws_message"
_SOCKETS = {"$connect": "on_ws_connect", "$disconnect": "on_ws_disconnect"}


def unserved_handlers(app: Chalice) -> list[Unserved]:
    """Return every handler that no request calls, sorted; as a text it is such as `schedule nightly`."""
    kinds = [
        *((_SOURCES.get(type(each), _Kind(type(each).__name__, "AWS calls it")), each) for each in app.event_sources),
        *((_FUNCTION, each) for each in app.pure_lambda_functions),
    ]
    return _sorted(kinds)


def socket_handlers(app: Chalice) -> list[Unserved]:
    """Return the handlers of WebSockets, sorted."""
    kinds = [
        (_Kind(_SOCKETS.get(key, _MESSAGE), "SERVER=uvicorn serves WebSockets", Runs.UNDER_UVICORN), each)
        for key, each in app.websocket_handlers.items()
    ]
    return _sorted(kinds)


def _sorted(kinds: Iterable[tuple[_Kind, Any]]) -> list[Unserved]:
    return sorted((Unserved(kind.decorator, each.name, kind.caller, kind.runs) for kind, each in kinds), key=str)
