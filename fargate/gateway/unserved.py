"""The handlers of an app that HTTP cannot reach, and what calls each kind of them.

The start logs their names; `check` prints what calls them too. A kind that is served some day leaves this table.
"""

from typing import NamedTuple

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


class Unserved(NamedTuple):
    """A handler that only AWS calls."""

    decorator: str  # of Chalice, without `app.`
    name: str
    caller: str  # what calls it: a command, or AWS

    def __str__(self) -> str:
        return f"{self.decorator} {self.name}"


_SOURCES: dict[type, tuple[str, str]] = {
    ScheduledEventConfig: ("schedule", "chalice-fargate schedule runs it at set times"),
    CloudWatchEventConfig: ("on_cw_event", "EventBridge calls it for events of its pattern"),
    S3EventConfig: ("on_s3_event", "chalice-fargate poll, if a queue gets the events of its bucket"),
    SNSEventConfig: ("on_sns_message", "chalice-fargate poll, if a queue is subscribed to its topic"),
    SQSEventConfig: ("on_sqs_message", "chalice-fargate poll consumes its queue"),
    KinesisEventConfig: ("on_kinesis_record", "Lambda reads the stream for it"),
    DynamoDBEventConfig: ("on_dynamodb_record", "Lambda reads the table's stream for it"),
}
_FUNCTION = ("lambda_function", "called by its name, or by a trigger such as Cognito's")
_MESSAGE = ("on_ws_message", "API Gateway holds the WebSocket and calls it")
_SOCKETS = {"$connect": ("on_ws_connect", _MESSAGE[1]), "$disconnect": ("on_ws_disconnect", _MESSAGE[1])}


def unserved_handlers(app: Chalice) -> list[Unserved]:
    """Return every handler that only AWS calls, sorted; as a text it is such as `schedule nightly`."""
    kinds = [
        *((_SOURCES.get(type(each), (type(each).__name__, "AWS calls it")), each) for each in app.event_sources),
        *((_FUNCTION, each) for each in app.pure_lambda_functions),
        *((_SOCKETS.get(key, _MESSAGE), each) for key, each in app.websocket_handlers.items()),
    ]
    return sorted(Unserved(decorator, each.name, caller) for (decorator, caller), each in kinds)
