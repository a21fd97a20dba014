"""The handlers of an app that HTTP cannot reach: what runs each kind of them, or why it stays on Lambda.

The start logs their names; `check` prints the rest too. A kind that is served some day leaves this table.
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
    """A handler that HTTP cannot reach."""

    decorator: str  # of Chalice, without `app.`
    name: str
    caller: str  # the command that runs it, or what calls it on Lambda
    stays_on_lambda: bool

    def __str__(self) -> str:
        return f"{self.decorator} {self.name}"


class _Kind(NamedTuple):
    decorator: str
    caller: str
    stays_on_lambda: bool = True


_SOURCES: dict[type, _Kind] = {
    ScheduledEventConfig: _Kind("schedule", "chalice-fargate schedule runs it at set times", False),
    SQSEventConfig: _Kind("on_sqs_message", "chalice-fargate poll consumes its queue", False),
    SNSEventConfig: _Kind("on_sns_message", "chalice-fargate poll, if a queue is subscribed to its topic", False),
    S3EventConfig: _Kind("on_s3_event", "chalice-fargate poll, if a queue gets the events of its bucket", False),
    CloudWatchEventConfig: _Kind("on_cw_event", "EventBridge calls it for events of its pattern"),
    KinesisEventConfig: _Kind("on_kinesis_record", "Lambda reads each shard of the stream in order for it"),
    DynamoDBEventConfig: _Kind("on_dynamodb_record", "Lambda reads each shard of the table's stream in order for it"),
}
_FUNCTION = _Kind("lambda_function", "if a trigger calls it (Cognito's, Kafka's); by name: chalice-fargate invoke")
_MESSAGE = _Kind("on_ws_message", "API Gateway holds the WebSocket and calls it")
_SOCKETS = {
    "$connect": _MESSAGE._replace(decorator="on_ws_connect"),
    "$disconnect": _MESSAGE._replace(decorator="on_ws_disconnect"),
}


def unserved_handlers(app: Chalice) -> list[Unserved]:
    """Return every handler that HTTP cannot reach, sorted; as a text it is such as `schedule nightly`."""
    kinds = [
        *((_SOURCES.get(type(each), _Kind(type(each).__name__, "AWS calls it")), each) for each in app.event_sources),
        *((_FUNCTION, each) for each in app.pure_lambda_functions),
        *((_SOCKETS.get(key, _MESSAGE), each) for key, each in app.websocket_handlers.items()),
    ]
    return sorted(Unserved(kind.decorator, each.name, kind.caller, kind.stays_on_lambda) for kind, each in kinds)
