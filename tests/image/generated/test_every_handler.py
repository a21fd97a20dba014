"""One image of the app that has a handler of every kind: each command of it in a container, with moto in AWS' place."""

import json
import shutil
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import ClientConnection, connect

from local.waiting import wait_until
from tests.fixtures.emulated_aws import Aws, emulated_aws
from tests.fixtures.servers import ROOT
from tests.image.containers import Container, started
from tests.image.engine import HARDENED, Engine, settings_of
from tests.image.generated.conftest import write

pytestmark = [pytest.mark.infra, pytest.mark.timeout(1200)]

PROJECT = ROOT / "tests" / "apps" / "projects" / "handlers"
COMMAND = "chalice-fargate"
SECONDS = 30
A_MINUTE = 90

Line = dict[str, Any]
Start = Callable[..., Container]


@pytest.fixture(scope="module")
def image(engine: Engine, python_base: str, wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> str:
    """The image of the app."""
    project = tmp_path_factory.mktemp("projects") / "handlers"
    shutil.copytree(PROJECT, project)
    write(project, "--server", "uvicorn", "--extra", "redis", "--wheel", wheel)
    return engine.build("handlers:test", project / "Dockerfile", project, {"BASE": python_base})


@pytest.fixture(scope="module")
def aws() -> Iterator[Aws]:
    """Emulated services."""
    with emulated_aws() as aws:
        yield aws


@pytest.fixture(scope="module")
def queues(aws: Aws) -> dict[str, str]:
    """The URLs of the queues of the handlers, which are fed by a client, a topic, a bucket and a rule."""
    orders, _ = aws.create_queue("orders.fifo", FifoQueue="true", ContentBasedDeduplication="true")
    news, news_arn = aws.create_queue("news-queue")
    aws.create_topic("news", news_arn)
    removed, removed_arn = aws.create_queue("removed-queue")
    aws.create_bucket("uploads", {"QueueConfigurations": [{"QueueArn": removed_arn, "Events": ["s3:ObjectRemoved:*"]}]})
    paid, paid_arn = aws.create_queue("paid-queue")
    whole = {"InputTransformer": {"InputTemplate": "<aws.events.event.json>"}}  # moto leaves the account out otherwise
    aws.create_rule("paid", {"source": ["shop.orders"]}, paid_arn, **whole)
    return {"take_orders": orders, "read_news": news, "removed": removed, "paid": paid}


@pytest.fixture(scope="module")
def environ(aws: Aws, module_redis_url: str) -> dict[str, str]:
    """The variables of all containers."""
    pairs = {"read_news": "news-queue", "removed": "removed-queue", "paid": "paid-queue"}
    return aws.environ | {
        "CHALICE_STAGE": "prod",
        "PLACE": "a container",
        "POLL_WAIT_SECONDS": "1",  # SIGTERM waits for a receive
        "POLL_QUEUES": ",".join(f"{name}={queue}" for name, queue in pairs.items()),
        "SCHEDULE_REDIS_URL": module_redis_url,
        "WEBSOCKET_REDIS_URL": module_redis_url,
    }


@pytest.fixture(scope="module")
def start(engine: Engine, image: str, environ: dict[str, str]) -> Iterator[Start]:
    """Start a container; it ends with the module."""
    with ExitStack() as stack:

        def start(*command: str) -> Container:
            container = stack.enter_context(started(engine, image, environ, options=(), arguments=command))
            if not command:
                container.await_answers()
            return container

        yield start


@pytest.fixture(scope="module")
def scheduler(start: Start) -> Container:
    """The schedules. It starts before all others, so that its minute goes by beside theirs."""
    return start(COMMAND, "schedule")


@pytest.fixture(scope="module")
def server(start: Start, scheduler: Container) -> Container:
    """The server."""
    return start()


@pytest.fixture(scope="module")
def poller(start: Start, scheduler: Container, queues: dict[str, str]) -> Container:
    """The consumer of the queues."""
    return start(COMMAND, "poll")


def lines(log: str) -> list[Line]:
    """Return the lines of a log."""
    return [json.loads(line) for line in log.splitlines() if line.startswith("{")]


def awaited(container: Container, is_it: Callable[[Line], object], seconds: float = SECONDS) -> Line:
    """Return the first line of a kind, once it is there."""
    found: list[Line] = []
    wait_until(lambda: found.extend(filter(is_it, lines(container.log()))) or found, seconds)
    assert found, container.log()
    return found[0]


def awaited_call(container: Container, name: str, seconds: float = SECONDS) -> dict[str, Any]:
    """Return what the line about the first call of a handler says."""
    line = awaited(container, lambda line: line.get("invocation", {}).get("name") == name, seconds)
    assert (line["level"], line["service"], line["invocation"]["outcome"]) == ("INFO", "handlers", "success")
    call: dict[str, Any] = line["invocation"]
    return call


def opened(container: Container) -> ClientConnection:
    """Open a WebSocket."""
    return connect(container.url.replace("http", "ws", 1), open_timeout=SECONDS, close_timeout=SECONDS)


def told(client: ClientConnection, **message: str) -> str:
    """Send a message, and return the answer."""
    client.send(json.dumps(message))
    return str(client.recv(SECONDS))


def test_a_route_answers(server: Container) -> None:
    with server.client() as client:
        assert client.get("/orders/7").json() == {"order": "7", "stage": "api"}
    line = awaited(server, lambda line: line.get("http", {}).get("route") == "/orders/{id}")
    assert line["http"]["status"] == 200


def test_websockets_of_two_containers_talk_and_one_says_goodbye(server: Container, start: Start) -> None:
    other = start()
    with opened(server) as here, opened(other) as there:
        (my_id, greeting), (other_id, _) = (told(each, text="hello").split() for each in (here, there))
        assert greeting == "hello"
        here.send(json.dumps({"to": other_id, "text": "across"}))
        assert there.recv(SECONDS) == f"{my_id} across"
        assert other.stop() == 0
        with pytest.raises(ConnectionClosed) as closed:
            there.recv(SECONDS)
        assert closed.value.rcvd is not None
        assert closed.value.rcvd.code == 1001
        here.send(json.dumps({"to": other_id, "text": "late"}))
        awaited(server, lambda line: line.get("exception_name") == "WebsocketDisconnectedError")
    for container, id in ((server, my_id), (other, other_id)):
        calls = [awaited_call(container, name) for name in ("connect", "message", "disconnect")]
        assert {call["connection_id"] for call in calls} == {id}


def test_a_queue_a_topic_a_bucket_and_a_rule_are_consumed(poller: Container, aws: Aws, queues: dict[str, str]) -> None:
    aws.sqs.send_message(QueueUrl=queues["take_orders"], MessageBody='{"id": 7}', MessageGroupId="a")
    (topic,) = aws.sns.list_topics()["Topics"]
    aws.sns.publish(Message="fresh", **topic)
    aws.s3.put_object(Bucket="uploads", Key="in box/7.csv", Body=b"1")
    aws.s3.delete_object(Bucket="uploads", Key="in box/7.csv")
    aws.events.put_events(Entries=[{"Source": "shop.orders", "DetailType": "Order paid", "Detail": "{}"}])
    for name, url in queues.items():
        call = awaited_call(poller, name)
        assert call["function_name"] == f"handlers-prod-{name}"
        batch = awaited(poller, lambda line, name=name: line.get("batch", {}).get("handler") == name)["batch"]
        assert (batch["size"], batch["failures"]) == (1, 0)
        assert wait_until(lambda url=url: aws.is_empty(url), SECONDS)


def invoked(engine: Engine, image: str, environ: dict[str, str], *words: str) -> tuple[int, Any, list[Line]]:
    """Call a handler in a container; return the exit status, what it answers and the log."""
    settings = settings_of(environ)
    done = engine.attempt("run", "--rm", "--no-healthcheck", *HARDENED, *settings, image, COMMAND, "invoke", *words)
    return done.returncode, json.loads(done.stdout), lines(done.stderr)


def test_a_handler_is_called_by_its_name(engine: Engine, image: str, environ: dict[str, str]) -> None:
    status, answer, log = invoked(engine, image, environ, "jobs_nightly", "--sample")
    assert (status, answer) == (0, {"source": "aws.events"})
    assert [line["message"] for line in log if "invocation" in line] == ["schedule jobs_nightly success"]
    status, answer, log = invoked(engine, image, environ, "raises", "--event", "{}")
    assert (status, answer["errorType"], answer["errorMessage"]) == (1, "OrderLost", "order 7: Größe")
    assert [line["exception_name"] for line in log if "invocation" in line] == ["OrderLost"]


def test_schedules_are_announced_and_run(scheduler: Container) -> None:
    for name in ("hourly", "jobs_nightly", "minutely"):
        awaited(
            scheduler, lambda line, name=name: f"schedule {name}" in line["message"] and "due next" in line["message"]
        )
    assert awaited_call(scheduler, "minutely", A_MINUTE)["attempt"] == 1


def test_each_is_without_root_and_ends_with_0(server: Container, poller: Container, scheduler: Container) -> None:
    for container in (server, poller, scheduler):
        assert container.run("id", "-u") == "10001"
        assert container.stop() == 0
        assert lines(container.log())[-1]["message"] == "Stopped"
