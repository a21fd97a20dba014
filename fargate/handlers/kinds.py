"""The kinds of handlers, named after Chalice's decorators."""

from enum import StrEnum


class Kind(StrEnum):
    """What calls a handler on AWS."""

    SCHEDULE = "schedule"
    CW_EVENT = "on_cw_event"
    S3_EVENT = "on_s3_event"
    SNS_MESSAGE = "on_sns_message"
    SQS_MESSAGE = "on_sqs_message"
    KINESIS_RECORD = "on_kinesis_record"
    DYNAMODB_RECORD = "on_dynamodb_record"
    LAMBDA_FUNCTION = "lambda_function"
    WS_CONNECT = "on_ws_connect"
    WS_MESSAGE = "on_ws_message"
    WS_DISCONNECT = "on_ws_disconnect"
    AUTHORIZER = "authorizer"
    ROUTES = "routes"
    """All routes of the app together: on Lambda they are one function, `api_handler`."""


KIND_OF_CONFIG = {
    "ScheduledEventConfig": Kind.SCHEDULE,
    "CloudWatchEventConfig": Kind.CW_EVENT,
    "S3EventConfig": Kind.S3_EVENT,
    "SNSEventConfig": Kind.SNS_MESSAGE,
    "SQSEventConfig": Kind.SQS_MESSAGE,
    "KinesisEventConfig": Kind.KINESIS_RECORD,
    "DynamoDBEventConfig": Kind.DYNAMODB_RECORD,
    "LambdaFunction": Kind.LAMBDA_FUNCTION,
    "WebsocketConnectConfig": Kind.WS_CONNECT,
    "WebsocketMessageConfig": Kind.WS_MESSAGE,
    "WebsocketDisconnectConfig": Kind.WS_DISCONNECT,
    "BuiltinAuthConfig": Kind.AUTHORIZER,
}
"""By the name of Chalice's class, since an older Chalice lacks some. A kind that is not here cannot be called."""
