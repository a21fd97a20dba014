"""The handlers of an app that HTTP cannot reach; the start logs their names."""

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

_SOURCES: dict[type, str] = {
    ScheduledEventConfig: "schedule",
    CloudWatchEventConfig: "on_cw_event",
    S3EventConfig: "on_s3_event",
    SNSEventConfig: "on_sns_message",
    SQSEventConfig: "on_sqs_message",
    KinesisEventConfig: "on_kinesis_record",
    DynamoDBEventConfig: "on_dynamodb_record",
}
_WEBSOCKET = {"$connect": "on_ws_connect", "$disconnect": "on_ws_disconnect"}


def unserved_handlers(app: Chalice) -> list[str]:
    """Return the decorator and name of every handler that only AWS calls, such as `schedule nightly`; sorted."""
    sources = [f"{_SOURCES.get(type(each), type(each).__name__)} {each.name}" for each in app.event_sources]
    functions = [f"lambda_function {each.name}" for each in app.pure_lambda_functions]
    sockets = [f"{_WEBSOCKET.get(key, 'on_ws_message')} {each.name}" for key, each in app.websocket_handlers.items()]
    return sorted([*sources, *functions, *sockets])
