"""Alerts and the heartbeat arrive at the topic; the text names the alert, its severity and its runbook section."""

import json
import re
import subprocess
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import pytest

from local.servers.prometheus import DEPLOYED
from local.waiting import wait_until
from tests.fixtures.stores import temporary_home
from tests.fixtures.tools import program
from tests.observed.api import WAIT_SECONDS
from tests.observed.deployed import Task, hasty_task
from tests.observed.expressions import alerts
from tests.observed.tasks import Tasks
from tests.observed.test_discovery import looking_for

CONFIG = DEPLOYED / "alertmanager" / "alertmanager.yml"
RUNBOOK = "https://github.com/example/shop/blob/main/docs/runbook.md"
CONSOLE = "https://prometheus.example.com"
REMEDY = "make observe-tools installs it"


@pytest.fixture(scope="module")
def amtool() -> str:
    return program("amtool", REMEDY)


def test_the_configuration_and_its_template_are_valid(amtool: str) -> None:
    checked = subprocess.run([amtool, "check-config", CONFIG], capture_output=True, text=True, timeout=30, check=False)
    assert checked.returncode == 0, checked.stdout + checked.stderr
    assert "1 templates" in checked.stdout


@pytest.mark.parametrize("name", [*alerts(), "AnotherAlert"])
def test_every_alert_is_routed_by_its_severity(name: str, amtool: str) -> None:
    labels = {"alertname": name, **alerts().get(name, {}).get("labels", {})}
    words = [f"{key}={value}" for key, value in labels.items()]
    command = [amtool, "config", "routes", "test", f"--config.file={CONFIG}", *words]
    routed = subprocess.run(command, capture_output=True, text=True, timeout=30, check=True)
    assert routed.stdout.strip() == labels.get("severity", "ticket"), "without a severity it is a ticket"


@dataclass(slots=True)
class Subscriber:
    """A queue that is subscribed to a topic, and all messages that it received."""

    queues: Any
    url: str
    arrived: list[dict[str, Any]] = field(default_factory=list)

    def await_message(self, wanted: Callable[[dict[str, Any]], bool]) -> dict[str, Any]:
        """Wait for a message that fits."""
        assert wait_until(lambda: any(map(wanted, self.messages())), WAIT_SECONDS), self.arrived
        return next(filter(wanted, self.arrived))

    def messages(self) -> list[dict[str, Any]]:
        """Receive new messages; return all so far."""
        received = self.queues.receive_message(QueueUrl=self.url, MaxNumberOfMessages=10).get("Messages", [])
        self.arrived += [json.loads(each["Body"]) for each in received]
        return self.arrived

    def subjects(self) -> set[str]:
        return {message["Subject"] for message in self.arrived}


@dataclass(frozen=True, slots=True)
class Topic:
    """A topic of the emulated SNS."""

    cloud: Any
    arn: str

    def subscriber(self, name: str, **attributes: str) -> Subscriber:
        """Subscribe a new queue."""
        queues = self.cloud.client("sqs")
        url = queues.create_queue(QueueName=name)["QueueUrl"]
        queue = queues.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
        self.cloud.client("sns").subscribe(TopicArn=self.arn, Protocol="sqs", Endpoint=queue, Attributes=attributes)
        return Subscriber(queues, url)


def alert(name: str, severity: str, *, over: bool = False) -> dict[str, Any]:
    """Return an alert as Prometheus sends it."""
    return {
        "labels": {"alertname": name, "severity": severity, "stack": "test-shop", "job": "shop"},
        "annotations": {"summary": f"{name} happens.", "runbook": f"docs/runbook.md#{name.lower()}"},
        "startsAt": "2026-11-27T02:13:00Z",
        "generatorURL": f"{CONSOLE}/graph?g0.expr=up",
        **({"endsAt": "2026-11-27T02:20:00Z"} if over else {}),
    }


def post(address: str, said: dict[str, Any]) -> None:
    """Send an alert to an Alertmanager."""
    httpx.post(f"http://{address}/api/v2/alerts", json=[said], timeout=10).raise_for_status()


@dataclass(frozen=True, slots=True)
class Way:
    """An Alertmanager, its topics, and its task."""

    cloud: Any
    task: Task
    topic: Topic
    heartbeats: Topic
    address: str
    settings: dict[str, str]


@pytest.fixture(scope="module")
def way() -> Iterator[Way]:
    from tests.infra.account.cloud import emulated

    programs = {
        "prometheus": program("prometheus", REMEDY),
        "alertmanager": program("prometheus-alertmanager", REMEDY),
    }
    with temporary_home() as home, emulated(home) as cloud:
        topics = [
            Topic(cloud, cloud.client("sns").create_topic(Name=name)["TopicArn"]) for name in ("on-call", "beats")
        ]
        task = hasty_task(home, cloud.environ(), programs)
        settings = {
            "SNS_TOPIC_ARN": topics[0].arn,
            "HEARTBEAT_TOPIC_ARN": topics[1].arn,
            "SNS_API_URL": cloud.url,
            "RUNBOOK_URL": RUNBOOK,
            "WEB_EXTERNAL_URL": f"{CONSOLE}/",
        }
        with task.alertmanager(**settings) as address:
            yield Way(cloud, task, topics[0], topics[1], address, settings)


@pytest.mark.infra
def test_a_page_names_alert_severity_start_and_runbook_and_is_followed_by_its_end(way: Way) -> None:
    on_call = way.topic.subscriber("pages")
    post(way.address, alert("CacheDown", "page"))
    message = on_call.await_message(lambda each: "CacheDown" in each["Subject"])
    assert message["Subject"] == "[PAGE] CacheDown in test-shop"
    assert message["Message"].strip().splitlines() == [
        "[PAGE] CacheDown in test-shop",
        "Act now: customers notice, or will soon.",
        "",
        "CacheDown happens.",
        "Since 2026-11-27 02:13 UTC",
        "",
        f"What to do: {RUNBOOK}#cachedown",
        f"Dashboard: {CONSOLE}/consoles/shop.html",
        f"The query: {CONSOLE}/graph?g0.expr=up",
    ]
    attributes = {name: each["Value"] for name, each in message["MessageAttributes"].items()}
    assert attributes == {"severity": "page", "status": "firing", "alertname": "CacheDown"}
    post(way.address, alert("CacheDown", "page", over=True))
    over = on_call.await_message(lambda each: each["Subject"].startswith("[OVER]"))
    assert over["Subject"] == "[OVER] CacheDown in test-shop"
    assert "It is over." in over["Message"]
    assert "From 2026-11-27 02:13 UTC to 2026-11-27 02:20 UTC" in over["Message"]
    assert over["MessageAttributes"]["status"]["Value"] == "resolved"


@pytest.mark.infra
def test_a_ticket_can_wait_and_a_subscription_can_leave_it_out(way: Way) -> None:
    subscriber = way.topic.subscriber("everything")
    pages_only = json.dumps({"severity": [{"exists": False}, "page"]})
    pager = way.topic.subscriber("pager", FilterPolicy=pages_only)
    post(way.address, alert("FenceFailures", "ticket"))
    message = subscriber.await_message(lambda each: "FenceFailures" in each["Subject"])
    assert message["Subject"] == "[TICKET] FenceFailures in test-shop"
    assert "It can wait for the morning." in message["Message"]
    post(way.address, alert("AvailabilityBurnFast", "page"))
    way.cloud.client("sns").publish(TopicArn=way.topic.arn, Subject="ALARM: of CloudWatch", Message="{}")
    pager.await_message(lambda each: each["Subject"] == "[PAGE] AvailabilityBurnFast in test-shop")
    pager.await_message(lambda each: each["Subject"] == "ALARM: of CloudWatch")
    assert not {subject for subject in pager.subjects() if "FenceFailures" in subject}


@pytest.mark.infra
def test_an_alert_of_prometheus_arrives_and_the_heartbeat_on_a_topic_of_its_own(way: Way) -> None:
    """A stale answer that the audit finds: from the counter through rules, Alertmanager and SNS to a subscriber."""
    on_call, pulse = way.topic.subscriber("stale"), way.heartbeats.subscriber("pulse")
    tasks = Tasks(2)
    tasks.register(way.cloud.client("servicediscovery"))
    with (
        tasks.running(),
        way.task.discovery(**looking_for(tasks, way.cloud.environ())) as url,
        way.task.prometheus(TARGETS_URL=url, ALERTMANAGER=way.address, STACK="test-shop") as prometheus,
    ):
        prometheus.await_value('count(up{job="shop"} == 1)', 2)
        tasks.metrics = 'cache_audit_total{result="mismatch"} 1\n'
        message = on_call.await_message(lambda each: "StaleAudit" in each["Subject"])
        assert message["Subject"] == "[PAGE] StaleAudit in test-shop"
        assert "The cache returned a stale value; the audit found it." in message["Message"]
        assert f"{RUNBOOK}#staleaudit" in message["Message"]
        assert pulse.await_message(lambda each: each["Subject"] == "Heartbeat")
        prometheus.await_value('sum(alertmanager_notifications_failed_total{integration="sns"})', 0)
        assert not [subject for subject in on_call.subjects() if "Heartbeat" in subject]


@pytest.mark.infra
def test_a_message_that_is_refused_is_counted_for_the_heartbeat_to_end(way: Way) -> None:
    gone = way.topic.arn.replace("on-call", "gone")
    refused = re.compile(r'^alertmanager_notifications_failed_total\{.*integration="sns".*\} ([1-9].*)$', re.MULTILINE)
    with way.task.alertmanager(**{**way.settings, "SNS_TOPIC_ARN": gone}) as address:
        post(address, alert("CacheDown", "page"))
        metrics = f"http://{address}/metrics"
        assert wait_until(lambda: bool(refused.search(httpx.get(metrics, timeout=10).text)), WAIT_SECONDS)


TOPICS = {
    "SNS_TOPIC_ARN": "arn:aws:sns:eu-west-1:123456789012:on-call",
    "HEARTBEAT_TOPIC_ARN": "arn:aws:sns:eu-west-1:123456789012:beats",
}


@pytest.mark.parametrize(
    ("settings", "sentence"),
    [
        ({"SNS_TOPIC_ARN": ""}, "SNS_TOPIC_ARN is '', not the ARN of a topic"),
        ({"SNS_TOPIC_ARN": "on-call"}, "SNS_TOPIC_ARN is 'on-call', not the ARN of a topic"),
        ({"HEARTBEAT_TOPIC_ARN": "arn:aws:sqs:eu-west-1:123456789012:q"}, "not the ARN of a topic"),
        ({"HEARTBEAT_TOPIC_ARN": "arn:aws:sns:eu-west-1:123456789012:a|b"}, "not the ARN of a topic"),
        ({"ALERTMANAGER_PORT": "http"}, "ALERTMANAGER_PORT is 'http', not a port"),
        ({"RUNBOOK_URL": "https://example.com/a b"}, "RUNBOOK_URL is 'https://example.com/a b', not a URL"),
    ],
)
def test_a_missing_setting_stops_it(settings: dict[str, str], sentence: str, tmp_path: Path) -> None:
    environ = {"PATH": "/usr/bin:/bin", "STORAGE": str(tmp_path), **TOPICS, **settings}
    command = ["sh", str(DEPLOYED / "start-alertmanager")]
    ran = subprocess.run(command, env=environ, capture_output=True, text=True, timeout=30, check=False)
    assert ran.returncode == 2
    assert sentence in ran.stderr
