"""The sample event of each kind passes through Chalice's event class of that kind, with the decorator's names in it."""

import json
import time
from datetime import datetime
from typing import Any

import pytest
from chalice.app import CloudWatchEventConfig, S3EventConfig, SNSEventConfig, SQSEventConfig
from moto.events.models import EventPattern

from fargate.handlers.catalog import Handler, find_handler
from fargate.handlers.kinds import Kind
from fargate.handlers.samples import sample_of
from tests.fargate.handlers.conftest import STAGE, Invoke

REGION = "eu-north-1"
HOST = f"container.execute-api.{REGION}.amazonaws.com"

SEEN = {
    "jobs_nightly": {"source": "aws.events"},
    "paid": {"source": "shop.orders", "type": "Order", "detail": {"state": "paid"}},
    "removed": {"bucket": "uploads", "key": "in box/sample.csv", "event": "ObjectRemoved:Delete"},
    "read_news": {
        "subject": "Sample",
        "message": '{"sample": true}',
        "attributes": {"sample": {"Type": "String", "Value": "true"}},
    },
    "follow_table": [
        {
            "table": "Orders",
            "keys": {"Id": {"S": "sample"}},
            "new": {"Id": {"S": "sample"}, "Message": {"S": "sample"}},
            "old": None,
        }
    ],
    "connect": {"statusCode": 200, "connection": "L0SM9cOFvHcCIhw="},
    "message": {"statusCode": 200, "json": {"sample": True}, "stage": STAGE},
    "disconnect": {"statusCode": 200, "domain": HOST},
    "api_handler": {
        "statusCode": 200,
        "headers": {},
        "multiValueHeaders": {},
        "body": f'{{"order":"1","stage":"{STAGE}"}}',
    },
}


@pytest.fixture(autouse=True)
def region(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_REGION", REGION)


@pytest.fixture
def seen(handlers: list[Handler], invoke: Invoke) -> Any:
    """Call a handler with its sample, and return its result."""

    def call(name: str) -> Any:
        sample = sample_of(find_handler(handlers, name, "handlers", STAGE), "handlers", STAGE, time.time())
        return json.loads(invoke(name, json.loads(json.dumps(sample))).payload)

    return call


@pytest.mark.parametrize("name", SEEN)
def test_a_handler_understands_its_sample(seen: Any, name: str) -> None:
    assert seen(name) == SEEN[name]


def test_a_schedule_runs_now(seen: Any) -> None:
    before = time.time()
    answer = seen("hourly")
    at = datetime.fromisoformat(answer["at"]).timestamp()
    assert int(before) <= at <= time.time()
    assert answer["rule"] == f"arn:aws:events:{REGION}:000000000000:rule/handlers-dev-hourly-event"


def test_a_message_of_a_queue_has_its_body_and_its_attributes(seen: Any) -> None:
    (message,) = seen("take_orders")
    record = message["record"]
    assert message["body"] == {"sample": True}
    assert message["handle"] == record["receiptHandle"]
    assert record["eventSourceARN"] == f"arn:aws:sqs:{REGION}:000000000000:orders.fifo"
    assert record["attributes"]["MessageGroupId"] == "sample"
    assert abs(int(record["attributes"]["SentTimestamp"]) / 1000 - time.time()) < 60


def test_a_record_of_a_stream_has_its_data(seen: Any) -> None:
    (record,) = seen("count_clicks")
    assert (record["data"], record["key"]) == ('{"sample": true}', "sample")
    assert record["arrived"].startswith(time.strftime("%Y-", time.gmtime()))


def test_an_authorizer_gets_a_token(seen: Any) -> None:
    answer = seen("admit")
    assert answer["principalId"] == "sample"
    (statement,) = answer["policyDocument"]["Statement"]
    assert statement["Resource"] == [f"arn:aws:execute-api:{REGION}:000000000000:container/{STAGE}/*/orders"]


def test_a_function_gets_an_empty_object(handlers: list[Handler]) -> None:
    assert sample_of(find_handler(handlers, "surroundings", "handlers", STAGE), "handlers", STAGE, 0) == {}


ARN = "arn:aws:sqs:eu-west-1:123456789012:mine"


@pytest.mark.parametrize(
    ("kind", "config", "path", "value"),
    [
        (Kind.SQS_MESSAGE, SQSEventConfig("x", "app.x", None, ARN, 1, 0, None), ("eventSourceARN",), ARN),
        (Kind.SNS_MESSAGE, SNSEventConfig("x", "app.x", "arn:aws:sns:a:1:t"), ("Sns", "TopicArn"), "arn:aws:sns:a:1:t"),
        (
            Kind.S3_EVENT,
            S3EventConfig("x", "b", ["s3:ObjectRestore:*"], None, None, "app.x"),
            ("eventName",),
            "ObjectRestore:Completed",
        ),
        (
            Kind.S3_EVENT,
            S3EventConfig("x", "b", ["s3:ObjectCreated:Copy"], None, None, "app.x"),
            ("s3", "object", "key"),
            "sample",
        ),
    ],
)
def test_names_come_from_the_decorator(kind: Kind, config: Any, path: tuple[str, ...], value: str) -> None:
    found = sample_of(Handler(kind, "x", config, print), "app", STAGE, 0)["Records"][0]
    for member in path:
        found = found[member]
    assert found == value


@pytest.mark.parametrize(
    ("pattern", "member", "value"),
    [
        ({"source": ["a", "b"]}, "source", "a"),
        ({"account": [{"anything-but": ["1"]}]}, "account", "sample"),
        ({"resources": [{"suffix": "/web"}]}, "resources", ["/web"]),
        ({"detail": {"a": {"b": [1, 2]}, "c": [None]}}, "detail", {"a": {"b": 1}, "c": None}),
        ({"source": [{"anything-but": "a"}]}, "source", "sample"),
        ({"source": [{"prefix": {"equals-ignore-case": "A."}}]}, "source", "A."),
        ({"source": [{"wildcard": "a.*.b"}]}, "source", "a.*.b"),
        (
            {"detail": {"a": [{"numeric": ["<", 5]}], "b": [{"numeric": [">", 0, "<", 1]}]}},
            "detail",
            {"a": 4, "b": 0.5},
        ),
        ({"detail": {"a": [{"exists": False}], "b": [{"exists": True}]}}, "detail", {"b": "sample"}),
        ({"detail": {"ip": [{"cidr": "10.0.0.0/24"}]}}, "detail", {"ip": "10.0.0.0"}),
        ({"$or": [{"source": ["a"]}, {"detail": {"b": [1]}}]}, "source", "a"),
    ],
)
def test_an_event_matches_its_pattern(pattern: dict[str, Any], member: str, value: Any) -> None:
    handler = Handler(Kind.CW_EVENT, "x", CloudWatchEventConfig("x", "app.x", pattern), print)
    event = sample_of(handler, "app", STAGE, 0)
    assert event[member] == value
    assert EventPattern.load(json.dumps(pattern)).matches_event(event)
