"""A sample event for a handler, in the shape that AWS documents for its kind, with the names from the decorator.

https://docs.aws.amazon.com/lambda/latest/dg/lambda-services.html
"""

import base64
import hashlib
import uuid
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from urllib.parse import quote_plus

from chalice.app import Chalice

from fargate.gateway.context import FunctionIdentity, identity_of
from fargate.gateway.event import EventBuilder
from fargate.gateway.routing import RouteTable
from fargate.handlers.catalog import Handler
from fargate.handlers.kinds import Kind
from fargate.http.identifiers import IdentifierSource
from fargate.http.messages import HttpRequest

Event = dict[str, Any]

BODY = '{"sample": true}'
_SOURCE_IP = "192.0.2.44"  # for examples (RFC 5737)
_S3_EVENTS = {"ObjectCreated": "Put", "ObjectRemoved": "Delete"}
_WEBSOCKET_ID = "L0SM9cOFvHcCIhw="


@dataclass(frozen=True, slots=True)
class Place:
    """Where and when a sample happens."""

    function: FunctionIdentity  # of the handler
    stage: str
    now: datetime  # in UTC

    @property
    def time(self) -> str:
        """With milliseconds."""
        return self.now.isoformat(timespec="milliseconds").replace("+00:00", "Z")

    @property
    def milliseconds(self) -> int:
        """Since the epoch."""
        return int(self.now.timestamp() * 1000)

    def arn(self, service: str, name: str) -> str:
        """Return a resource's ARN; a name that is one already stays."""
        if name.startswith("arn:"):
            return name
        return f"arn:aws:{service}:{self.function.region}:{self.function.account_id}:{name}"


def sample_of(handler: Handler, app_name: str, stage: str, now: float) -> Any:
    """Return an event that a handler can be called with, of this process's region.

    Args:
        handler: whose event it is.
        app_name: part of the name of a schedule's rule.
        stage: the same, and the stage of an API.
        now: when it happens, in seconds since the epoch.
    """
    function = identity_of(handler.function_name(app_name, stage))
    return _SAMPLES[handler.kind](handler.config, Place(function, stage, datetime.fromtimestamp(now, UTC)))


def _schedule(config: Any, place: Place) -> Event:
    rule = place.arn("events", f"rule/{place.function.function_name}-event")
    return _eventbridge(place) | {"source": "aws.events", "detail-type": "Scheduled Event", "resources": [rule]}


def _cw_event(config: Any, place: Place) -> Event:
    return _eventbridge(place) | _matching(config.event_pattern)


def _eventbridge(place: Place) -> Event:
    return {
        "version": "0",
        "id": str(uuid.uuid4()),
        "detail-type": "Sample",
        "source": "sample",
        "account": place.function.account_id,
        "time": place.now.strftime("%Y-%m-%dT%H:%M:%SZ"),
        "region": place.function.region,
        "resources": [],
        "detail": {},
    }


def _matching(pattern: Mapping[str, Any]) -> Event:
    """Return members that match an event pattern: of alternatives the first.

    https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-create-pattern-operators.html
    """
    members: Event = {}
    for name, each in pattern.items():
        if name == "$or":
            members |= _matching(each[0])
        elif isinstance(each, dict):
            members[name] = _matching(each)
        elif each[:1] != [{"exists": False}]:
            members[name] = [_first(each)] if name == "resources" else _first(each)
    return members


def _first(alternatives: Sequence[Any]) -> Any:
    """Return a value that is listed, or one that a filter such as `{"prefix": "prod-"}` lets pass."""
    first = alternatives[0] if alternatives else "sample"
    return _passing(*next(iter(first.items()))) if isinstance(first, dict) and first else first


def _passing(operator: str, operand: Any) -> Any:
    if operator == "numeric":
        return _number(*operand)
    if operator in ("anything-but", "exists"):
        return "sample"
    if isinstance(operand, dict):  # {"prefix": {"equals-ignore-case": "prod-"}}
        return _passing(*next(iter(operand.items())))
    text = str(operand[0] if isinstance(operand, list) else operand)
    return text.partition("/")[0] if operator == "cidr" else text


def _number(comparison: str, bound: float, *other: Any) -> float:
    """Return a number for which `["<", 3]` holds, or both comparisons of `[">", 0, "<=", 5]`."""
    return (bound + other[1]) / 2 if other else bound + {">": 1, "<": -1}.get(comparison, 0)


def _s3_event(config: Any, place: Place) -> Event:
    key = f"{config.prefix or ''}sample{config.suffix or ''}"
    return _records(
        {
            "eventVersion": "2.1",
            "eventSource": "aws:s3",
            "awsRegion": place.function.region,
            "eventTime": place.time,
            "eventName": _s3_event_name(config.events[0]),
            "userIdentity": {"principalId": "AWS:SAMPLE"},
            "requestParameters": {"sourceIPAddress": _SOURCE_IP},
            "responseElements": {"x-amz-request-id": "D82B88E5F771F645", "x-amz-id-2": "c2FtcGxl"},
            "s3": {
                "s3SchemaVersion": "1.0",
                "configurationId": "sample",
                "bucket": {
                    "name": config.bucket,
                    "ownerIdentity": {"principalId": "SAMPLE"},
                    "arn": f"arn:aws:s3:::{config.bucket}",
                },
                "object": {
                    "key": quote_plus(key, safe="/"),
                    "size": len(BODY),
                    "eTag": _md5(BODY),
                    "sequencer": "0055AED6DCD90281E5",
                },
            },
        }
    )


def _s3_event_name(event: str) -> str:
    """Return an event's name as a record has it, for one such as `s3:ObjectCreated:*`."""
    group, _, name = event.removeprefix("s3:").partition(":")
    return f"{group}:{_S3_EVENTS.get(group, 'Completed') if name == '*' else name}"


def _sns_message(config: Any, place: Place) -> Event:
    topic = place.arn("sns", config.topic)
    return _records(
        {
            "EventSource": "aws:sns",
            "EventVersion": "1.0",
            "EventSubscriptionArn": f"{topic}:{uuid.uuid4()}",
            "Sns": {
                "Type": "Notification",
                "MessageId": str(uuid.uuid4()),
                "TopicArn": topic,
                "Subject": "Sample",
                "Message": BODY,
                "Timestamp": place.time,
                "SignatureVersion": "1",
                "Signature": "c2FtcGxl",
                "SigningCertUrl": f"https://sns.{place.function.region}.amazonaws.com/sample.pem",
                "UnsubscribeUrl": f"https://sns.{place.function.region}.amazonaws.com/?Action=Unsubscribe",
                "MessageAttributes": {"sample": {"Type": "String", "Value": "true"}},
            },
        }
    )


def _sqs_message(config: Any, place: Place) -> Event:
    queue = config.queue_arn or place.arn("sqs", config.queue)
    sent = str(place.milliseconds)
    attributes = {
        "ApproximateReceiveCount": "1",
        "SentTimestamp": sent,
        "SenderId": "AIDASAMPLE",
        "ApproximateFirstReceiveTimestamp": sent,
    }
    if queue.endswith(".fifo"):
        attributes |= {"SequenceNumber": "1", "MessageGroupId": "sample", "MessageDeduplicationId": "sample"}
    return _records(
        {
            "messageId": str(uuid.uuid4()),
            "receiptHandle": "c2FtcGxl",
            "body": BODY,
            "attributes": attributes,
            "messageAttributes": {},
            "md5OfBody": _md5(BODY),
            "eventSource": "aws:sqs",
            "eventSourceARN": queue,
            "awsRegion": place.function.region,
        }
    )


def _kinesis_record(config: Any, place: Place) -> Event:
    number = "49545115243490985018280067714973144582180062593244200961"
    return _records(
        {
            "kinesis": {
                "kinesisSchemaVersion": "1.0",
                "partitionKey": "sample",
                "sequenceNumber": number,
                "data": base64.b64encode(BODY.encode()).decode(),
                "approximateArrivalTimestamp": place.now.timestamp(),
            },
            "eventSource": "aws:kinesis",
            "eventVersion": "1.0",
            "eventID": f"shardId-000000000000:{number}",
            "eventName": "aws:kinesis:record",
            "invokeIdentityArn": f"arn:aws:iam::{place.function.account_id}:role/sample",
            "awsRegion": place.function.region,
            "eventSourceARN": place.arn("kinesis", f"stream/{config.stream}"),
        }
    )


def _dynamodb_record(config: Any, place: Place) -> Event:
    keys = {"Id": {"S": "sample"}}
    return _records(
        {
            "eventID": uuid.uuid4().hex,
            "eventName": "INSERT",
            "eventVersion": "1.1",
            "eventSource": "aws:dynamodb",
            "awsRegion": place.function.region,
            "dynamodb": {
                "ApproximateCreationDateTime": int(place.now.timestamp()),
                "Keys": keys,
                "NewImage": {**keys, "Message": {"S": "sample"}},
                "SequenceNumber": "4421584500000000017450439091",
                "SizeBytes": 26,
                "StreamViewType": "NEW_AND_OLD_IMAGES",
            },
            "eventSourceARN": config.stream_arn,
        }
    )


def _lambda_function(config: Any, place: Place) -> Event:
    return {}


def _authorizer(config: Any, place: Place) -> Event:
    arn = place.arn("execute-api", f"container/{place.stage}/GET/")
    return {"type": "TOKEN", "authorizationToken": "sample", "methodArn": arn}


def _ws_connect(config: Any, place: Place) -> Event:
    return _websocket(place, "CONNECT", "$connect") | _websocket_headers(place)


def _ws_message(config: Any, place: Place) -> Event:
    return _websocket(place, "MESSAGE", config.route_key_handled) | {"body": BODY}


def _ws_disconnect(config: Any, place: Place) -> Event:
    return _websocket(place, "DISCONNECT", "$disconnect") | _websocket_headers(place)


def _websocket(place: Place, event_type: str, route_key: str) -> Event:
    context = {
        "routeKey": route_key,
        "eventType": event_type,
        "extendedRequestId": "c2FtcGxl",
        "requestTime": place.now.strftime("%d/%b/%Y:%H:%M:%S +0000"),
        "messageDirection": "IN",
        "stage": place.stage,
        "connectedAt": place.milliseconds,
        "requestTimeEpoch": place.milliseconds,
        "identity": {"sourceIp": _SOURCE_IP},
        "requestId": "c2FtcGxl",
        "domainName": _websocket_host(place),
        "connectionId": _WEBSOCKET_ID,
        "apiId": "container",
    }
    if event_type == "MESSAGE":
        context["messageId"] = "L0SM9dKKvHcCIhw="
    return {"requestContext": context, "isBase64Encoded": False}


def _websocket_headers(place: Place) -> Event:
    headers = {"Host": _websocket_host(place), "X-Forwarded-For": _SOURCE_IP}
    return {"headers": headers, "multiValueHeaders": {name: [value] for name, value in headers.items()}}


def _websocket_host(place: Place) -> str:
    return f"container.execute-api.{place.function.region}.amazonaws.com"


def _routes(app: Chalice, place: Place) -> Event:
    """Return a request for the first route that can be read, without a body."""
    entries = [entry for methods in app.routes.values() for entry in methods.values()]
    entry = min(entries, key=lambda entry: (entry.method not in ("GET", "HEAD"), entry.uri_pattern, entry.method))
    path = "/".join("1" if each.startswith("{") else each for each in entry.uri_pattern.split("/"))
    match = RouteTable(app.routes).match(path)
    assert match is not None, path  # noqa: S101  every pattern matches a path that is made of it
    request = HttpRequest(entry.method, path, "", [("Host", "localhost")], b"", _SOURCE_IP, "HTTP/1.1", None)
    ids = IdentifierSource().next(None, None, place.now.timestamp())
    events = EventBuilder(f"/{place.stage}", 0, place.function.account_id, app.api.binary_types)
    return events.build(request, path, match, ids, place.now.timestamp())


def _records(record: Event) -> Event:
    return {"Records": [record]}


def _md5(text: str) -> str:
    return hashlib.md5(text.encode(), usedforsecurity=False).hexdigest()


_SAMPLES: Mapping[Kind, Callable[[Any, Place], Any]] = {
    Kind.SCHEDULE: _schedule,
    Kind.CW_EVENT: _cw_event,
    Kind.S3_EVENT: _s3_event,
    Kind.SNS_MESSAGE: _sns_message,
    Kind.SQS_MESSAGE: _sqs_message,
    Kind.KINESIS_RECORD: _kinesis_record,
    Kind.DYNAMODB_RECORD: _dynamodb_record,
    Kind.LAMBDA_FUNCTION: _lambda_function,
    Kind.WS_CONNECT: _ws_connect,
    Kind.WS_MESSAGE: _ws_message,
    Kind.WS_DISCONNECT: _ws_disconnect,
    Kind.AUTHORIZER: _authorizer,
    Kind.ROUTES: _routes,
}
