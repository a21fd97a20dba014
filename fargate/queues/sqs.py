"""One queue of SQS, over boto3.

boto3 is imported when the first queue is opened: it is an extra of the package.
"""

import contextlib
import os
import uuid
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from fargate.errors import ConfigurationError

Message = Mapping[str, Any]
"""A message as ReceiveMessage returns it.

https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_Message.html
"""

RECEIVED_AT_MOST = 10
"""The most messages of one request, and the largest batch of a FIFO queue on Lambda."""

CONNECT_SECONDS, RECEIVE_SECONDS = 5, 30
"""A receive waits up to 20 s for its answer."""

ANSWER_SECONDS = 5
"""For the answers to all other requests. Over a connection that has died, a message would come again meanwhile."""

ATTEMPTS = 3
"""How often boto3 sends a request that fails in a way that may pass."""


REMEDIES = {
    "NoRegionError": "Set AWS_REGION",
    "NoCredentialsError": "ECS gives them to a task that has a role; elsewhere set AWS_ACCESS_KEY_ID and its secret",
    "QueueDoesNotExist": "A name is looked for in AWS_REGION and in your account; POLL_QUEUES takes an ARN too",
}
"""What helps against errors of boto3 that do not say it."""


class RequestError(Exception):
    """SQS cannot be reached, or refuses a request."""


class Refused(NamedTuple):
    """Messages that SQS has not changed."""

    now: list[Message]  # another attempt may succeed
    for_good: list[Message]  # gone already, or their receipt is no longer valid


class SqsQueue:
    """One queue. Thread-safe. Requests raise RequestError if they fail as a whole.

    Args:
        client: boto3's, for the queue's region.
        receiver: the same, for receives: it waits longer for answers.
        url: the queue's URL.
        attributes: the queue's, as GetQueueAttributes returns them.
    """

    def __init__(self, client: Any, receiver: Any, url: str, attributes: Mapping[str, str]) -> None:
        self._client = client
        self._receiver = receiver
        self._url = url
        self.arn = attributes["QueueArn"]
        self.visibility_seconds = int(attributes["VisibilityTimeout"])

    @property
    def name(self) -> str:
        return self.arn.rpartition(":")[2]

    @property
    def region(self) -> str:
        return self.arn.split(":")[3]

    @property
    def is_fifo(self) -> bool:
        return self.name.endswith(".fifo")

    def receive(self, count: int, wait_seconds: int) -> list[Message]:
        """Return up to ten messages; wait for the first.

        If an answer is lost, boto3's next attempt gets the same messages of a FIFO queue, by the id of the receive.
        """
        attempt = {"ReceiveRequestAttemptId": uuid.uuid4().hex} if self.is_fifo else {}
        with _requests():
            answer = self._receiver.receive_message(
                QueueUrl=self._url,
                MaxNumberOfMessages=min(count, RECEIVED_AT_MOST),
                WaitTimeSeconds=wait_seconds,
                VisibilityTimeout=self.visibility_seconds,
                AttributeNames=["All"],  # boto3 has its new name, MessageSystemAttributeNames, since 1.34.116 only
                MessageAttributeNames=["All"],
                **attempt,
            )
        return list(answer.get("Messages", ()))

    def delete(self, messages: Sequence[Message]) -> Refused:
        """Delete messages; return those that SQS has not deleted."""
        return self._in_tens(self._client.delete_message_batch, messages, {})

    def change_visibility(self, messages: Sequence[Message], seconds: int) -> Refused:
        """Hide messages from other consumers for so long from now on; return those that SQS has not hidden."""
        return self._in_tens(self._client.change_message_visibility_batch, messages, {"VisibilityTimeout": seconds})

    def _in_tens(self, call: Callable[..., Any], messages: Sequence[Message], members: Mapping[str, int]) -> Refused:
        refused = Refused([], [])
        for start in range(0, len(messages), RECEIVED_AT_MOST):
            ten = messages[start : start + RECEIVED_AT_MOST]
            entries = [
                {"Id": str(index), "ReceiptHandle": each["ReceiptHandle"], **members} for index, each in enumerate(ten)
            ]
            with _requests():
                answer = call(QueueUrl=self._url, Entries=entries)
                for entry in answer.get("Failed", ()):
                    (refused.for_good if entry["SenderFault"] else refused.now).append(ten[int(entry["Id"])])
        return refused


class Queues:
    """Opens queues; keeps two clients for each region.

    Args:
        connections: how many requests run at a time, at most.
    """

    def __init__(self, connections: int) -> None:
        self._connections = connections
        self._clients: dict[tuple[str | None, int], Any] = {}

    def open(self, queue: str) -> SqsQueue:
        """Open a queue by its name, in the region of the environment, or by its ARN.

        Raises:
            ConfigurationError: there is no such queue, it cannot be read, or AWS_REGION or credentials are missing.
        """
        try:
            return self._open(*_parsed(queue))
        except RequestError as error:
            remedy = REMEDIES.get(type(error.__cause__).__name__)
            why = f"{str(error).rstrip('.')}. {remedy}" if remedy else str(error)
            raise ConfigurationError(f"The queue {queue} cannot be consumed: {why}") from None

    def _open(self, name: str, region: str | None, account: str | None) -> SqsQueue:
        with _requests():
            client, receiver = self._client(region, ANSWER_SECONDS), self._client(region, RECEIVE_SECONDS)
            owner = {"QueueOwnerAWSAccountId": account} if account else {}
            url = client.get_queue_url(QueueName=name, **owner)["QueueUrl"]
            names = ["QueueArn", "VisibilityTimeout"]
            attributes = client.get_queue_attributes(QueueUrl=url, AttributeNames=names)["Attributes"]
        return SqsQueue(client, receiver, url, attributes)

    def _client(self, region: str | None, read_seconds: int) -> Any:
        key = region, read_seconds
        if key not in self._clients:
            import boto3  # type: ignore[import-untyped]
            from botocore.config import Config  # type: ignore[import-untyped]

            config = Config(
                connect_timeout=CONNECT_SECONDS,
                read_timeout=read_seconds,
                retries={"mode": "standard", "total_max_attempts": ATTEMPTS},
                max_pool_connections=self._connections,
            )
            self._clients[key] = boto3.client("sqs", region_name=region or _own_region(), config=config)
        return self._clients[key]


def _own_region() -> str | None:
    """Return the region of the environment; None: that of a profile. boto3 does not read AWS_REGION."""
    return os.environ.get("AWS_DEFAULT_REGION") or os.environ.get("AWS_REGION") or None


def _parsed(queue: str) -> tuple[str, str | None, str | None]:
    """Return the name, the region and the account of a queue's name or ARN.

    Raises:
        ConfigurationError: it begins as an ARN, but is not a queue's.
    """
    if not queue.startswith("arn:"):
        return queue, None, None
    parts = queue.split(":")
    if len(parts) != 6 or parts[2] != "sqs":
        raise ConfigurationError(f"{queue} is not the ARN of a queue")
    return parts[5], parts[3], parts[4]


@contextlib.contextmanager
def _requests() -> Iterator[None]:
    """Raise RequestError in place of whatever boto3 raises.

    Not all of it is botocore's own: a file with credentials that is gone raises OSError, a broken answer TypeError.
    """
    try:
        yield
    except Exception as error:  # any of them would end the thread that extends visibility
        raise RequestError(str(error) or repr(error)) from error
