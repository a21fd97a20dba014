"""Messages of queues, topics, buckets and rules as AWS forms them, through moto: the events that handlers get."""

import hashlib
import json
import re
from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from chalice.app import CloudWatchEvent

from fargate.queues.events import EVENTBRIDGE_MEMBERS, NotUnwrapped, eventbridge_event, s3_event, sns_event, sqs_event
from fargate.queues.sqs import Queues
from local.waiting import wait_until
from tests.fargate.queues.conftest import Consumers, Records
from tests.fixtures.emulated_aws import REGION, Aws, emulated_aws

SECONDS = 60


@pytest.fixture(scope="module")
def emulated() -> Iterator[Aws]:
    with emulated_aws() as aws:
        yield aws


@pytest.fixture
def aws(emulated: Aws, monkeypatch: pytest.MonkeyPatch) -> Aws:
    """The services, which this process uses too."""
    for name, value in emulated.environ.items():
        monkeypatch.setenv(name, value)
    return emulated


def consumed(aws: Aws, consumers: Consumers, handler: str, queue: str, url: str) -> None:
    """Consume a queue until it is empty."""
    with consumers.consuming(consumers.source(handler, queue), wait_seconds=1):
        assert wait_until(lambda: aws.is_empty(url), SECONDS)


def test_a_message_of_a_queue_is_lambdas_record(aws: Aws) -> None:
    url, arn = aws.create_queue("attributes.fifo", FifoQueue="true")
    attributes = {
        "kind": {"DataType": "String", "StringValue": "order"},
        "photo": {"DataType": "Binary", "BinaryValue": b"\x00\xff"},
    }
    aws.sqs.send_message(
        QueueUrl=url,
        MessageBody="Größe",
        MessageGroupId="a",
        MessageDeduplicationId="1",
        MessageAttributes=attributes,
        MessageSystemAttributes={"AWSTraceHeader": {"DataType": "String", "StringValue": "Root=1-2-3"}},
    )
    queue = Queues(1).open("attributes.fifo")
    (message,) = queue.receive(10, 0)
    (record,) = sqs_event([message], queue.arn, queue.region)["Records"]
    times = {name: record["attributes"].pop(name) for name in ("SentTimestamp", "ApproximateFirstReceiveTimestamp")}
    assert all(isinstance(each, str) and each.isdigit() for each in times.values())
    assert record.pop("md5OfMessageAttributes") == message["MD5OfMessageAttributes"]
    assert record == {
        "messageId": message["MessageId"],
        "receiptHandle": message["ReceiptHandle"],
        "body": "Größe",
        "attributes": {
            "ApproximateReceiveCount": "1",
            "SenderId": message["Attributes"]["SenderId"],
            "MessageGroupId": "a",
            "MessageDeduplicationId": "1",
            "SequenceNumber": message["Attributes"]["SequenceNumber"],
            "AWSTraceHeader": "Root=1-2-3",
        },
        "messageAttributes": {
            "kind": {"stringValue": "order", "stringListValues": [], "binaryListValues": [], "dataType": "String"},
            "photo": {"binaryValue": "AP8=", "stringListValues": [], "binaryListValues": [], "dataType": "Binary"},
        },
        "md5OfBody": hashlib.md5("Größe".encode()).hexdigest(),
        "eventSource": "aws:sqs",
        "eventSourceARN": arn,
        "awsRegion": REGION,
    }


def test_failures_are_counted_by_the_queues_own_redrive_policy(
    aws: Aws, consumers: Consumers, records: Records
) -> None:
    dead_url, dead_arn = aws.create_queue("orders-dead")
    policy = json.dumps({"deadLetterTargetArn": dead_arn, "maxReceiveCount": 2})
    url, _ = aws.create_queue("orders", VisibilityTimeout="1", RedrivePolicy=policy)
    bodies = [{"id": 1}, {"id": 2, "fails": True}, {"id": 3}]
    aws.sqs.send_message_batch(
        QueueUrl=url, Entries=[{"Id": str(each["id"]), "MessageBody": json.dumps(each)} for each in bodies]
    )
    consumed(aws, consumers, "take_orders", "orders", url)
    assert [each["bodies"] for each in records()] == [bodies, [bodies[1]]]
    (dead,) = aws.sqs.receive_message(QueueUrl=dead_url)["Messages"]
    assert json.loads(dead["Body"]) == bodies[1]


def test_a_topics_message_is_unwrapped_to_lambdas_event(aws: Aws, consumers: Consumers, records: Records) -> None:
    """Each message is a call of its own; one without a subject has None, as on Lambda."""
    url, arn = aws.create_queue("news-queue")
    topic = aws.create_topic("news", arn)
    attributes = {"kind": {"DataType": "String", "StringValue": "order"}}
    aws.sns.publish(TopicArn=topic, Subject="Orders", Message="first", MessageAttributes=attributes)
    aws.sns.publish(TopicArn=topic, Message="second")
    consumed(aws, consumers, "read_news", "news-queue", url)
    first, second = sorted(records(), key=lambda each: str(each["message"]))
    assert (first["subject"], first["message"], second["subject"]) == ("Orders", "first", None)
    (record,) = first["event"]["Records"]
    message = record.pop("Sns")
    link = urlsplit(message["UnsubscribeUrl"])  # moto's is of another subscription
    subscription = parse_qs(link.query)["SubscriptionArn"][0]
    assert record == {"EventSource": "aws:sns", "EventVersion": "1.0", "EventSubscriptionArn": subscription}
    assert message["MessageAttributes"] == {"kind": {"Type": "String", "Value": "order"}}
    assert (message["Type"], message["TopicArn"]) == ("Notification", topic)
    assert {"MessageId", "Timestamp", "SignatureVersion", "Signature", "SigningCertUrl", "UnsubscribeUrl"} < set(
        message
    )
    (record,) = second["event"]["Records"]
    assert (record["Sns"]["Subject"], record["Sns"]["MessageAttributes"]) == (None, {})


def test_raw_delivery_is_refused_with_a_reason(
    aws: Aws, consumers: Consumers, records: Records, caplog: pytest.LogCaptureFixture
) -> None:
    dead_url, dead_arn = aws.create_queue("raw-dead")
    policy = json.dumps({"deadLetterTargetArn": dead_arn, "maxReceiveCount": 1})
    url, arn = aws.create_queue("raw-queue", VisibilityTimeout="1", RedrivePolicy=policy)
    topic = aws.create_topic("raw", arn, RawMessageDelivery="true")
    aws.sns.publish(TopicArn=topic, Message='{"id": 1}')
    consumed(aws, consumers, "read_news", "raw-queue", url)
    assert records() == []
    assert not aws.is_empty(dead_url)
    assert "is raw message delivery on for the subscription?" in caplog.text


@pytest.mark.parametrize("way", ["queue", "topic"])
def test_a_buckets_notification_is_its_event(aws: Aws, consumers: Consumers, records: Records, way: str) -> None:
    """S3's own test message, which comes first, calls nothing."""
    url, arn = aws.create_queue(f"uploads-by-{way}")
    events = {"Events": ["s3:ObjectCreated:*"]}
    if way == "topic":
        topic = aws.create_topic("uploads", arn)
        aws.create_bucket("by-topic", {"TopicConfigurations": [{"TopicArn": topic, **events}]})
    else:
        aws.create_bucket("by-queue", {"QueueConfigurations": [{"QueueArn": arn, **events}]})
    aws.s3.put_object(Bucket=f"by-{way}", Key="in box/größe.csv", Body=b"1")
    consumed(aws, consumers, "uploaded", f"uploads-by-{way}", url)
    assert records() == [{"handler": "uploaded", "bucket": f"by-{way}", "key": "in box/größe.csv"}]


PAID = {"Source": "shop.orders", "DetailType": "Order paid", "Detail": '{"id": 7, "at": "Gr\u00f6\u00dfe"}'}


def test_a_rules_event_is_the_handlers(aws: Aws, consumers: Consumers, records: Records) -> None:
    """Each event is a call of its own; the pattern is that of the rule."""
    whole = {"InputTransformer": {"InputTemplate": "<aws.events.event.json>"}}  # moto leaves the account out otherwise
    url, arn = aws.create_queue("events-queue")
    aws.create_rule("paid", {"source": ["shop.orders"]}, arn, **whole)
    aws.events.put_events(Entries=[PAID, {**PAID, "Source": "shop.other"}, {**PAID, "DetailType": "Order sent"}])
    consumed(aws, consumers, "paid", "events-queue", url)
    first, second = sorted(records(), key=lambda each: str(each["type"]))
    assert (first["source"], first["type"], second["type"]) == ("shop.orders", "Order paid", "Order sent")
    event = first["event"]
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", event.pop("time"))
    assert event.pop("ingestion-time")  # moto's
    assert event.pop("id") != second["event"]["id"]
    assert event == {
        "version": "0",
        "detail-type": "Order paid",
        "source": "shop.orders",
        "account": "123456789012",
        "region": REGION,
        "resources": [],
        "detail": {"id": 7, "at": "Größe"},
    }


def message(body: Any) -> dict[str, Any]:
    return {"MessageId": "1", "Body": body if isinstance(body, str) else json.dumps(body)}


TEST_EVENT = {"Service": "Amazon S3", "Event": "s3:TestEvent", "Bucket": "uploads"}


@pytest.mark.parametrize(
    "body", [TEST_EVENT, {"Type": "Notification", "TopicArn": "arn", "Message": json.dumps(TEST_EVENT)}]
)
def test_the_test_of_a_bucket_calls_nothing(body: Any) -> None:
    assert s3_event([message(body)], "", "") is None


@pytest.mark.parametrize("unwrap", [sns_event, s3_event, eventbridge_event])
@pytest.mark.parametrize(
    "body",
    ["text", "[]", "{}", '"Records"', "[" * 100_000, {"Type": "Notification"}, {"Records": []}, {"Event": "other"}],
)
def test_a_message_of_another_sender_is_not_unwrapped(unwrap: Callable[..., Any], body: Any) -> None:
    with pytest.raises(NotUnwrapped):
        unwrap([message(body)], "", "")


def test_a_rules_event_may_come_by_way_of_a_topic() -> None:
    event = dict.fromkeys(EVENTBRIDGE_MEMBERS, "")
    assert eventbridge_event([message(event)], "", "") == event
    published = {"Type": "Notification", "TopicArn": "arn", "Message": json.dumps(event)}
    assert eventbridge_event([message(published)], "", "") == event


@pytest.mark.parametrize("name", sorted(EVENTBRIDGE_MEMBERS))
def test_an_event_that_chalice_could_not_read_is_not_unwrapped(name: str) -> None:
    lacking = {each: "" for each in EVENTBRIDGE_MEMBERS if each != name}
    with pytest.raises(KeyError, match=name):
        CloudWatchEvent(lacking, None)
    with pytest.raises(NotUnwrapped, match="does the rule's target have an input of its own"):
        eventbridge_event([message(lacking)], "", "")
