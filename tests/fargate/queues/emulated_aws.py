"""SQS, SNS, S3 and EventBridge of moto's server, in a thread of this process."""

import contextlib
import json
from collections.abc import Iterator
from typing import Any

import boto3  # type: ignore[import-untyped]
from moto.server import ThreadedMotoServer

REGION = "eu-west-1"


class Aws:
    """The emulator's services. With `environ`, another process uses them."""

    def __init__(self, url: str) -> None:
        self.environ = {
            "AWS_ACCESS_KEY_ID": "test",
            "AWS_SECRET_ACCESS_KEY": "test",
            "AWS_ENDPOINT_URL": url,
            "AWS_DEFAULT_REGION": REGION,
        }
        session = boto3.Session("test", "test", region_name=REGION)
        self.sqs, self.sns, self.s3, self.events = (
            session.client(name, endpoint_url=url) for name in ("sqs", "sns", "s3", "events")
        )

    def create_queue(self, name: str, **attributes: str) -> tuple[str, str]:
        """Create a queue; return its URL and its ARN."""
        url = self.sqs.create_queue(QueueName=name, Attributes=attributes)["QueueUrl"]
        arn = self.sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
        return url, arn

    def create_topic(self, name: str, queue_arn: str, **attributes: str) -> str:
        """Create a topic to which a queue is subscribed; return its ARN."""
        topic = str(self.sns.create_topic(Name=name)["TopicArn"])
        self.sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=queue_arn, Attributes=attributes)
        return topic

    def create_bucket(self, name: str, notifications: dict[str, Any]) -> None:
        """Create a bucket that sends its notifications somewhere."""
        self.s3.create_bucket(Bucket=name, CreateBucketConfiguration={"LocationConstraint": REGION})
        self.s3.put_bucket_notification_configuration(Bucket=name, NotificationConfiguration=notifications)

    def create_rule(self, name: str, pattern: dict[str, Any], queue_arn: str, **target: Any) -> None:
        """Create a rule that sends events to a queue."""
        self.events.put_rule(Name=name, EventPattern=json.dumps(pattern))
        self.events.put_targets(Rule=name, Targets=[{"Id": "queue", "Arn": queue_arn, **target}])

    def is_empty(self, url: str) -> bool:
        """Return whether a queue has no messages, hidden or not."""
        names = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"]
        found = self.sqs.get_queue_attributes(QueueUrl=url, AttributeNames=names)["Attributes"]
        return not any(int(found[name]) for name in names)


@contextlib.contextmanager
def emulated_aws() -> Iterator[Aws]:
    """Run the server on a free port until the block ends."""
    server = ThreadedMotoServer("127.0.0.1", 0, verbose=False)
    server.start()
    try:
        host, port = server.get_host_and_port()
        yield Aws(f"http://{host}:{port}")
    finally:
        server.stop()
