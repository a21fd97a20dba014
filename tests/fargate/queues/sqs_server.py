"""SQS at the wire, in AWS' JSON protocol: visibility, receipts, dead letters, groups.

moto has no lock, so that two receives at once can get one message; in a FIFO queue it hands the second message of a
group out before the first when both come back; and it takes minutes for 2,000 messages.
"""

import contextlib
import hashlib
import itertools
import json
import select
import socket
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

REGION = "eu-west-1"
LOOK_AGAIN_SECONDS = 0.02
"""A message becomes visible without any request."""

Answer = dict[str, Any]


@dataclass(slots=True)
class Sent:
    """A message in a queue."""

    id: str
    body: str
    group: str | None
    sent: float
    visible_at: float = 0.0
    received: int = 0

    @property
    def receipt(self) -> str:
        return f"{self.id}#{self.received}"


@dataclass(slots=True)
class Queue:
    """A queue. Its messages are in the order of their sending."""

    name: str
    visibility: int
    dead_letters: "Queue | None" = None
    max_receive_count: int = 0
    messages: dict[str, Sent] = field(default_factory=dict)

    def hand_out(self, count: int, visibility: int) -> list[Sent]:
        """Return visible messages, and hide them; none of a group of which one is hidden."""
        now, handed = time.monotonic(), []
        busy = {each.group for each in self.messages.values() if each.group and each.visible_at > now}
        for each in list(itertools.islice(self._visible(now, busy), count)):
            if self.dead_letters is not None and each.received >= self.max_receive_count:
                self.dead_letters.messages[each.id] = self.messages.pop(each.id)
                continue
            each.visible_at = now + visibility
            each.received += 1
            handed.append(each)
        return handed

    def _visible(self, now: float, busy: set[str | None]) -> Iterator[Sent]:
        return (each for each in self.messages.values() if each.visible_at <= now and each.group not in busy)

    def hidden(self) -> int:
        """Return how many messages are in flight."""
        now = time.monotonic()
        return sum(each.visible_at > now for each in self.messages.values())


class SqsServer:
    """The running server. A process with the variables in `environ` uses it."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.environ = {
            "AWS_ENDPOINT_URL": url,
            "AWS_ACCESS_KEY_ID": "test",
            "AWS_SECRET_ACCESS_KEY": "test",
            "AWS_DEFAULT_REGION": REGION,
            "AWS_EC2_METADATA_DISABLED": "true",
        }
        self.queues: dict[str, Queue] = {}
        self.requests: list[str] = []  # their actions, in order
        self.refusals: dict[str, int] = {}  # how many of an action's next requests are answered with 503
        self.lost: dict[str, int] = {}  # how many of them are done, and then answered with 503
        self.attempts: dict[str, list[Sent]] = {}  # what each receive of a FIFO queue with an id of its own has got
        self.broken: dict[str, int] = {}  # how many of them are answered with what SQS would not answer
        self.refused_entries: dict[str, int] = {}  # how many of them fail for each entry, but not as a whole
        self.waits: set[int] = set()  # the seconds for which receives would wait
        self.stalled: set[str] = set()  # actions that are not answered
        self.ends_waits = False  # whether receives no longer wait for messages
        self.changed = threading.Condition()
        self._ids = itertools.count()

    def create(self, name: str, visibility: int = 30, max_receive_count: int = 0) -> Queue:
        """Create a queue; with `max_receive_count`, one for its dead letters too."""
        dead = Queue(f"{name}-dead", visibility) if max_receive_count else None
        self.queues[name] = Queue(name, visibility, dead, max_receive_count)
        return self.queues[name]

    def send(self, name: str, *bodies: Any, group: str | None = None) -> None:
        """Send messages; what is not a text is sent as JSON."""
        with self.changed:
            for each in bodies:
                text = each if isinstance(each, str) else json.dumps(each)
                message = Sent(f"m{next(self._ids)}", text, group, time.time())
                self.queues[name].messages[message.id] = message
            self.changed.notify_all()

    def await_that(self, is_true: Callable[[], object], seconds: float = 60) -> None:
        """Wait until something holds for the queues."""
        ends = time.monotonic() + seconds
        with self.changed:
            while not is_true():
                assert time.monotonic() < ends, {name: len(each.messages) for name, each in self.queues.items()}
                self.changed.wait(LOOK_AGAIN_SECONDS)

    def answer(self, action: str, body: dict[str, Any], is_gone: Callable[[], bool]) -> tuple[int, Answer | list[Any]]:
        """Answer a request: the status and the document. A client that is gone gets no message."""
        with self.changed:
            self.requests.append(action)
            self.changed.notify_all()
            while action in self.stalled:
                self.changed.wait(LOOK_AGAIN_SECONDS)
            if _one_of(self.refusals, action):
                return 503, {"__type": "ServiceUnavailable", "message": "try again"}
            if _one_of(self.broken, action):
                return 200, []
            if _one_of(self.refused_entries, action):
                entries = [
                    {"Id": each["Id"], "SenderFault": False, "Code": "InternalError"} for each in body["Entries"]
                ]
                return 200, {"Failed": entries}
            queue = self.queues.get(body.get("QueueName") or body["QueueUrl"].rpartition("/")[2])
            if queue is None:
                return 400, {"__type": "com.amazonaws.sqs#QueueDoesNotExist", "message": "There is no such queue"}
            answer: Answer = getattr(self, f"_{action}")(queue, {**body, "is_gone": is_gone})
            self.changed.notify_all()
            if _one_of(self.lost, action):
                return 503, {"__type": "ServiceUnavailable", "message": "try again"}
            return 200, answer

    def _GetQueueUrl(self, queue: Queue, body: dict[str, Any]) -> Answer:  # noqa: N802  the action's name
        return {"QueueUrl": f"{self.url}/123456789012/{queue.name}"}

    def _GetQueueAttributes(self, queue: Queue, body: dict[str, Any]) -> Answer:  # noqa: N802
        arn = f"arn:aws:sqs:{REGION}:123456789012:{queue.name}"
        return {"Attributes": {"QueueArn": arn, "VisibilityTimeout": str(queue.visibility)}}

    def _ReceiveMessage(self, queue: Queue, body: dict[str, Any]) -> Answer:  # noqa: N802
        attempt = body.get("ReceiveRequestAttemptId", "")
        if attempt in self.attempts:
            return {"Messages": [_document(each) for each in self.attempts[attempt]]}
        self.waits.add(body["WaitTimeSeconds"])
        ends = time.monotonic() + body["WaitTimeSeconds"]
        while not body["is_gone"]():
            if messages := queue.hand_out(body["MaxNumberOfMessages"], body["VisibilityTimeout"]):
                if attempt:
                    self.attempts[attempt] = messages
                return {"Messages": [_document(each) for each in messages]}
            if self.ends_waits or time.monotonic() >= ends:
                break
            self.changed.wait(LOOK_AGAIN_SECONDS)
        return {}

    def _DeleteMessageBatch(self, queue: Queue, body: dict[str, Any]) -> Answer:  # noqa: N802
        """Delete messages. Of a FIFO queue, a receipt after which the message was received again is refused."""
        failed = []
        for entry in body["Entries"]:
            message = queue.messages.get(entry["ReceiptHandle"].partition("#")[0])
            if message is not None and message.group and message.receipt != entry["ReceiptHandle"]:
                failed.append({"Id": entry["Id"], "SenderFault": True, "Code": "InvalidParameterValue"})
            elif message is not None:
                del queue.messages[message.id]
        return {"Failed": failed}

    def _ChangeMessageVisibilityBatch(self, queue: Queue, body: dict[str, Any]) -> Answer:  # noqa: N802
        failed = []
        for entry in body["Entries"]:
            message = queue.messages.get(entry["ReceiptHandle"].partition("#")[0])
            if message is None or message.receipt != entry["ReceiptHandle"]:
                failed.append({"Id": entry["Id"], "SenderFault": True, "Code": "ReceiptHandleIsInvalid"})
            else:
                message.visible_at = time.monotonic() + entry["VisibilityTimeout"]
        return {"Failed": failed}


def _one_of(counts: dict[str, int], action: str) -> bool:
    """Take one from an action's count; return whether there was one."""
    left = counts.get(action, 0)
    counts[action] = max(0, left - 1)
    return left > 0


def _document(message: Sent) -> dict[str, Any]:
    sent = str(int(message.sent * 1000))
    attributes = {"ApproximateReceiveCount": str(message.received), "SentTimestamp": sent}
    return {
        "MessageId": message.id,
        "ReceiptHandle": message.receipt,
        "Body": message.body,
        "MD5OfBody": hashlib.md5(message.body.encode()).hexdigest(),
        "Attributes": attributes | ({"MessageGroupId": message.group} if message.group else {}),
    }


@contextlib.contextmanager
def serving_sqs() -> Iterator[SqsServer]:
    """Run the server on a free port until the block ends."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            status, answer = sqs.answer(self.headers["X-Amz-Target"].partition(".")[2], body, self.is_gone)
            payload = json.dumps(answer).encode()
            head = f"HTTP/1.1 {status} -\r\nContent-Type: application/x-amz-json-1.0\r\nContent-Length: {len(payload)}"
            with contextlib.suppress(OSError):  # a killed consumer
                self.wfile.write(f"{head}\r\n\r\n".encode() + payload)

        def is_gone(self) -> bool:
            readable, _, _ = select.select([self.connection], [], [], 0)
            return bool(readable) and not self.connection.recv(1, socket.MSG_PEEK)

    class Server(ThreadingHTTPServer):
        daemon_threads = True
        request_queue_size = 128

        def handle_error(self, request: Any, client_address: Any) -> None:
            """A killed consumer resets its connections."""

    with Server(("127.0.0.1", 0), Handler) as server:
        sqs = SqsServer(f"http://127.0.0.1:{server.server_port}")
        thread = threading.Thread(target=server.serve_forever, args=(0.05,))
        thread.start()
        try:
            yield sqs
        finally:
            server.shutdown()
            thread.join()
