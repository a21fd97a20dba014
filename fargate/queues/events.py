"""The event that Lambda makes of messages: of a queue's own, of a topic's, of a bucket's, of a rule's.

https://docs.aws.amazon.com/lambda/latest/dg/with-sqs.html, with-sns.html and with-s3.html;
https://docs.aws.amazon.com/eventbridge/latest/ref/events-structure.html
"""

import base64
import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any
from urllib.parse import parse_qs, urlsplit

from fargate.handlers.kinds import Kind
from fargate.queues.sqs import Message

Event = dict[str, Any]
MessagesToEvent = Callable[[Sequence[Message], str, str], Event | None]
"""Takes messages, and the queue's ARN and region. None: no handler is called."""

S3_TEST = "s3:TestEvent"
"""S3 sends it when a bucket's notifications are set up. It never calls a function for it."""

EVENTBRIDGE_MEMBERS = frozenset(
    ("version", "id", "detail-type", "source", "account", "time", "region", "resources", "detail")
)
"""Each event has them, and Chalice reads them all."""


class NotUnwrapped(Exception):
    """A message does not have what its handler's kind needs."""


def sqs_event(messages: Sequence[Message], arn: str, region: str) -> Event:
    """Return the event of a queue's messages."""
    return {"Records": [_sqs_record(each, arn, region) for each in messages]}


def sns_event(messages: Sequence[Message], _arn: str, _region: str) -> Event:
    """Return the event of a topic's message, which SNS wraps on its way to a queue.

    Raises:
        NotUnwrapped: it has no notification of SNS.
    """
    notification = _notification(_document(messages[0]))
    if notification is None:
        raise NotUnwrapped("it is not a notification of SNS: is raw message delivery on for the subscription?")
    record = {"EventSource": "aws:sns", "EventVersion": "1.0", "EventSubscriptionArn": _subscription(notification)}
    return {"Records": [{**record, "Sns": _sns(notification)}]}


def s3_event(messages: Sequence[Message], _arn: str, _region: str) -> Event | None:
    """Return the event of a bucket, which its notification holds, also by way of a topic. None for S3's test.

    Raises:
        NotUnwrapped: it has no notification of S3.
    """
    document = _published(messages[0])
    if not isinstance(document, dict) or not (document.get("Records") or document.get("Event") == S3_TEST):
        raise NotUnwrapped("it is not a notification of S3")
    return None if "Records" not in document else document


def eventbridge_event(messages: Sequence[Message], _arn: str, _region: str) -> Event:
    """Return the event that a rule has sent, also by way of a topic.

    Raises:
        NotUnwrapped: Chalice could not read it, as if the rule's target replaces its input.
    """
    document = _published(messages[0])
    if not isinstance(document, dict) or not document.keys() >= EVENTBRIDGE_MEMBERS:
        raise NotUnwrapped("it is not an event of EventBridge: does the rule's target have an input of its own?")
    return document


EVENT_OF: Mapping[Kind, MessagesToEvent] = {
    Kind.SQS_MESSAGE: sqs_event,
    Kind.SNS_MESSAGE: sns_event,
    Kind.S3_EVENT: s3_event,
    Kind.CW_EVENT: eventbridge_event,
}


def _sqs_record(message: Message, arn: str, region: str) -> dict[str, Any]:
    record = {
        "messageId": message["MessageId"],
        "receiptHandle": message["ReceiptHandle"],
        "body": message["Body"],
        "attributes": dict(message["Attributes"]),
        "messageAttributes": {key: _attribute(each) for key, each in message.get("MessageAttributes", {}).items()},
        "md5OfBody": message["MD5OfBody"],
        "eventSource": "aws:sqs",
        "eventSourceARN": arn,
        "awsRegion": region,
    }
    if "MD5OfMessageAttributes" in message:
        record["md5OfMessageAttributes"] = message["MD5OfMessageAttributes"]
    return record


def _attribute(attribute: Mapping[str, Any]) -> dict[str, Any]:
    """Return a message's attribute with Lambda's names; SQS has no lists yet."""
    binary = attribute.get("BinaryValue")
    value = {"stringValue": attribute.get("StringValue")}
    if binary is not None:
        value = {"binaryValue": base64.b64encode(binary).decode()}
    return {**value, "stringListValues": [], "binaryListValues": [], "dataType": attribute["DataType"]}


def _document(message: Message) -> Any:
    return _parsed(message["Body"])


def _published(message: Message) -> Any:
    """Return what a message holds; of a topic's, what was published to the topic."""
    document = _document(message)
    notification = _notification(document)
    return document if notification is None else _parsed(str(notification.get("Message")))


def _parsed(text: str) -> Any:
    """Return what a text holds as JSON; None if it is not JSON."""
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return None


def _notification(document: Any) -> Mapping[str, Any] | None:
    """Return the document if it is a notification of SNS."""
    is_one = isinstance(document, dict) and document.get("Type") == "Notification" and "TopicArn" in document
    return document if is_one else None


def _sns(notification: Mapping[str, Any]) -> dict[str, Any]:
    """Return the message as Lambda gets it: two names are written differently, and what is empty is there."""
    renamed = {"SigningCertURL": "SigningCertUrl", "UnsubscribeURL": "UnsubscribeUrl"}
    given = {renamed.get(name, name): value for name, value in notification.items()}
    return {"Subject": None, "MessageAttributes": {}, **given}


def _subscription(notification: Mapping[str, Any]) -> str:
    """Return the subscription's ARN, which only the link to end it has."""
    link = urlsplit(str(notification.get("UnsubscribeURL", "")))
    return parse_qs(link.query).get("SubscriptionArn", [str(notification["TopicArn"])])[0]
