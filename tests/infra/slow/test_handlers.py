"""The example of `chalice_handlers`, applied to an emulated AWS: it fits its app, and the app runs with it."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from fargate.handlers.catalog import handlers_of
from fargate.schedules.schedule import schedules_of
from local.ports import LOOPBACK, free_port
from local.processes import Program
from local.waiting import wait_until
from tests.apps.projects.handlers import app as module
from tests.fixtures.servers import is_ready, passed_on, running
from tests.infra.account.cloud import IMPATIENT, REGION, Cloud, emulated
from tests.infra.account.inventory import KINDS, PARTS, inventory
from tests.infra.account.questions import Account, Container
from tests.infra.terraform import ROOT, Folder, Terraform, scratch_tree

pytestmark = [pytest.mark.infra, pytest.mark.timeout(600)]

PROJECT = ROOT / "tests" / "apps" / "projects" / "handlers"
ACCOUNT_ID = "123456789012"
CLUSTER = f"arn:aws:ecs:{REGION}:{ACCOUNT_ID}:cluster/handlers"
PLANNED = "2026-11-29T04:00:00Z"
SECONDS = 60


@dataclass(frozen=True, slots=True)
class Example:
    """The applied example."""

    cloud: Cloud
    folder: Folder
    arguments: list[str]
    beforehand: set[tuple[str, str]]

    @property
    def account(self) -> Account:
        """The account that it is applied to."""
        return Account(self.cloud, "handlers")

    def schedule(self, name: str) -> dict[str, Any]:
        """Return a schedule."""
        return dict(self.cloud.client("scheduler").get_schedule(GroupName="handlers", Name=name))

    def task(self, kind: str) -> dict[str, Any]:
        """Return the newest task definition of a command."""
        found = self.cloud.client("ecs").describe_task_definition(taskDefinition=f"handlers-{kind}")
        return dict(found["taskDefinition"])

    def container(self, kind: str) -> Container:
        """Return its container."""
        (definition,) = self.task(kind)["containerDefinitions"]
        return Container(definition)

    def environ(self, kind: str) -> dict[str, str]:
        """Return the environment of a task, on this machine."""
        own = {"PYTHONPATH": str(ROOT), "POWERTOOLS_TRACE_DISABLED": "true"}
        return {**passed_on(), **own, **self.cloud.environ(), **self.container(kind).environment}


@pytest.fixture(scope="module")
def example(terraform: Terraform, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Example]:
    """The example, applied to an account that has only a network."""
    scratch = tmp_path_factory.mktemp("handlers")
    root = scratch_tree(scratch) / "examples" / "handlers"
    (root / "zz_impatient_override.tf").write_text(IMPATIENT, encoding="utf-8")
    with emulated(scratch) as cloud:
        vpc = cloud.client("ec2").describe_vpcs()["Vpcs"][0]["VpcId"]
        subnets = [each["SubnetId"] for each in cloud.client("ec2").describe_subnets()["Subnets"]]
        topic = cloud.client("sns").create_topic(Name="on-call")["TopicArn"]
        image = f"{ACCOUNT_ID}.dkr.ecr.{REGION}.amazonaws.com/handlers:0123abc"
        given = {"vpc_id": vpc, "subnet_ids": json.dumps(subnets), "image": image}
        given["alarm_topic_arns"] = json.dumps([topic])
        arguments = ["-parallelism=30", *(f"-var={name}={value}" for name, value in given.items())]
        found = Example(cloud, terraform.folder(root, cloud.environ()), arguments, inventory(cloud))
        found.folder.run("apply", "-auto-approve", *arguments)
        yield found


def test_a_second_plan_changes_nothing(example: Example) -> None:
    example.folder.run("plan", "-detailed-exitcode", *example.arguments)


def test_poll_is_a_service_that_no_request_reaches(example: Example) -> None:
    service, container = example.account.service("-poll"), example.container("poll")
    assert (service["desiredCount"], service["loadBalancers"]) == (1, [])
    assert service["deploymentConfiguration"]["deploymentCircuitBreaker"] == {"enable": True, "rollback": True}
    assert container.definition["command"] == ["chalice-fargate", "poll", "app:app"]
    assert container.definition["stopTimeout"] > int(container.environment["DRAIN_SECONDS"]) + 5
    assert not container.definition.get("portMappings")
    assert [opening for opening in example.account.openings() if opening.inwards] == []


@pytest.mark.parametrize("kind", ["poll", "invoke"])
def test_containers_are_locked_down_and_log_to_the_group(kind: str, example: Example) -> None:
    definition = example.container(kind).definition
    assert definition["readonlyRootFilesystem"]
    assert (definition["user"], definition["privileged"]) == ("10001:10001", False)
    group = definition["logConfiguration"]["options"]["awslogs-group"]
    assert example.account.log_groups()[group]["retentionInDays"] == 30


def test_tasks_are_added_by_the_age_of_the_oldest_message(example: Example) -> None:
    scaling = example.cloud.client("application-autoscaling")
    (target,) = scaling.describe_scalable_targets(ServiceNamespace="ecs")["ScalableTargets"]
    assert (target["ResourceId"], target["MinCapacity"], target["MaxCapacity"]) == (
        "service/handlers/handlers-poll",
        1,
        4,
    )
    policies = scaling.describe_scaling_policies(ServiceNamespace="ecs")["ScalingPolicies"]
    changes = {each["PolicyARN"]: each["StepScalingPolicyConfiguration"] for each in policies}
    alarms = {each["AlarmName"]: each for each in example.account.alarms()}
    for name, expected in (("late", [1, 2]), ("idle", [-1])):
        (action,) = alarms[f"handlers-poll-{name}"]["AlarmActions"]
        assert [step["ScalingAdjustment"] for step in changes[action]["StepAdjustments"]] == expected
        missing = "breaching" if name == "idle" else "notBreaching"  # an empty queue has no age
        assert alarms[f"handlers-poll-{name}"]["TreatMissingData"] == missing
    (topic,) = {action for name in NOTIFY for action in alarms[f"handlers-{name}"]["AlarmActions"]}
    assert topic.endswith(":on-call")
    for name in ("late", "idle", "behind"):
        assert ages(alarms[f"handlers-poll-{name}"]) == {"orders.fifo": 120, "news": 60}


NOTIFY = ("poll-behind", "orders-dead-letters", "news-dead-letters", "failed-runs")


def ages(alarm: dict[str, Any]) -> dict[str, int]:
    """Return the age that an alarm calls late, by queue."""
    (expression,) = [each["Expression"] for each in alarm["Metrics"] if "Expression" in each]
    parts = dict(part.split(" / ") for part in expression.removeprefix("MAX([").removesuffix("])").split(", "))
    metrics = {each["Id"]: each["MetricStat"]["Metric"] for each in alarm["Metrics"] if "MetricStat" in each}
    assert {metric["MetricName"] for metric in metrics.values()} == {"ApproximateAgeOfOldestMessage"}
    return {metric["Dimensions"][0]["Value"]: int(parts[id]) for id, metric in metrics.items()}


def test_every_schedule_of_the_app_is_there_with_its_expression(example: Example) -> None:
    names = [each["Name"] for each in example.cloud.client("scheduler").list_schedules()["Schedules"]]
    made = {each["Name"]: each["ScheduleExpression"] for each in map(example.schedule, names)}
    own = {each.handler.name: each.text for each in schedules_of(handlers_of(module.app, module.__name__))}
    assert made == own | {"weekly": "cron(0 6 ? * MON *)"}  # of a lambda_function, which says nothing of when


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("hourly", {"at": PLANNED, "rule": f"arn:aws:scheduler:{REGION}:{ACCOUNT_ID}:schedule/handlers/hourly"}),
        ("jobs_nightly", {"source": "aws.events"}),
        ("weekly", {"event": {"week_until": PLANNED}, "place": "prod"}),
    ],
)
def test_what_a_schedule_starts_calls_its_handler(name: str, expected: dict[str, Any], example: Example) -> None:
    schedule = example.schedule(name)
    assert schedule["Target"]["EcsParameters"]["TaskDefinitionArn"] == example.task("invoke")["taskDefinitionArn"]
    (override,) = json.loads(filled_in(schedule["Target"]["Input"], schedule))["containerOverrides"]
    assert override["name"] == example.container("invoke").definition["name"]
    assert override["command"][0] == "chalice-fargate"
    ran = subprocess.run(
        [sys.executable, "-m", "fargate", *override["command"][1:]],
        env=example.environ("invoke"),
        cwd=PROJECT,
        capture_output=True,
        text=True,
        timeout=SECONDS,
    )
    assert ran.returncode == 0, ran.stderr
    result = json.loads(ran.stdout)
    assert {key: result[key] for key in expected} == expected


def filled_in(text: str, schedule: Mapping[str, Any]) -> str:
    """Return an input as Scheduler sends it: it replaces its names wherever they stand, and knows no JSON."""
    values = {"schedule-arn": schedule["Arn"], "scheduled-time": PLANNED, "execution-id": "d32c5kddcf5bb8c3"}
    for name, value in values.items():
        text = text.replace(f"<aws.scheduler.{name}>", value)
    return text


def test_poll_starts_with_its_environment_and_handles_a_message_of_the_topic(example: Example, tmp_path: Path) -> None:
    port = free_port()
    own = {"HOST": LOOPBACK, "PORT": str(port), "METRICS_PORT": str(port), "POLL_WAIT_SECONDS": "1"}
    environ = example.environ("poll") | own
    command = example.container("poll").definition["command"]
    program = Program(
        "poll", [sys.executable, "-m", "fargate", *command[1:]], tmp_path / "log", environ, PROJECT, end_seconds=SECONDS
    )
    with running(program, lambda: is_ready(port), SECONDS) as child:
        check = example.container("poll").definition["healthCheck"]["command"]
        assert check == ["CMD", "python", "-m", "fargate.probe"]
        assert subprocess.run([sys.executable, *check[2:]], env=environ, cwd=ROOT, timeout=SECONDS).returncode == 0
        example.cloud.client("sns").publish(TopicArn=f"arn:aws:sns:{REGION}:{ACCOUNT_ID}:news", Message="it rains")
        assert wait_until(lambda: "sns_message read_news success" in program_output(tmp_path), SECONDS)
        os.kill(child.pid, signal.SIGTERM)
        assert child.process.wait(SECONDS) == 0, program_output(tmp_path)
    assert "on_sqs_message take_orders" in program_output(tmp_path), "the decorator names its queue"


def program_output(folder: Path) -> str:
    return (folder / "log").read_text(encoding="utf-8")


def test_a_message_that_fails_is_taken_by_the_dead_letter_queue(example: Example) -> None:
    sqs = example.cloud.client("sqs")
    queues = {name: sqs.get_queue_url(QueueName=name)["QueueUrl"] for name in ("news", "handlers-news-dead-letters")}
    sqs.send_message(QueueUrl=queues["news"], MessageBody="poison")
    for _ in range(5):
        (message,) = sqs.receive_message(QueueUrl=queues["news"], VisibilityTimeout=1)["Messages"]
        sqs.change_message_visibility(
            QueueUrl=queues["news"], ReceiptHandle=message["ReceiptHandle"], VisibilityTimeout=0
        )
    assert "Messages" not in sqs.receive_message(QueueUrl=queues["news"])
    (dead,) = sqs.receive_message(QueueUrl=queues["handlers-news-dead-letters"])["Messages"]
    assert dead["Body"] == "poison"


@pytest.mark.parametrize(
    ("family", "stopped", "reported"),
    [
        ("invoke", {"containers": [{"name": "app", "exitCode": 1}], "stopCode": "EssentialContainerExited"}, True),
        ("invoke", {"containers": [{"name": "app"}], "stopCode": "TaskFailedToStart"}, True),
        ("invoke", {"containers": [{"name": "app", "exitCode": 0}], "stopCode": "EssentialContainerExited"}, False),
        ("poll", {"containers": [{"name": "app", "exitCode": 1}], "stopCode": "EssentialContainerExited"}, False),
    ],
)
def test_a_run_that_failed_is_in_the_queue_of_failed_runs(
    family: str, stopped: dict[str, Any], reported: bool, example: Example
) -> None:
    definition = example.task(family)["taskDefinitionArn"]
    detail = {"clusterArn": CLUSTER, "taskDefinitionArn": definition, "lastStatus": "STOPPED", **stopped}
    event = {"Source": "aws.ecs", "DetailType": "ECS Task State Change", "Detail": json.dumps(detail)}
    example.cloud.client("events").put_events(Entries=[event])
    sqs = example.cloud.client("sqs")
    url = sqs.get_queue_url(QueueName="handlers-failed-runs")["QueueUrl"]
    messages = sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10).get("Messages", [])
    assert [json.loads(each["Body"])["detail"] for each in messages] == ([detail] if reported else [])
    for each in messages:
        sqs.delete_message(QueueUrl=url, ReceiptHandle=each["ReceiptHandle"])


def granted(account: Account, role: str) -> dict[str, tuple[set[str], set[str], Any]]:
    """Return the actions, resources and conditions of a role's statements, by sid."""
    return {
        each["Sid"]: (as_set(each["Action"]), as_set(each["Resource"]), each.get("Condition"))
        for each in account.role_statements(role)
    }


def as_set(value: Any) -> set[str]:
    return {value} if isinstance(value, str) else set(value)


def sqs_arn(name: str) -> str:
    return f"arn:aws:sqs:{REGION}:{ACCOUNT_ID}:{name}"


def test_poll_may_consume_its_queues_and_nothing_else(example: Example) -> None:
    actions = {"GetQueueUrl", "GetQueueAttributes", "ReceiveMessage", "DeleteMessage", "ChangeMessageVisibility"}
    role = example.task("poll")["taskRoleArn"]
    queues = {sqs_arn("orders.fifo"), sqs_arn("news")}
    assert granted(example.account, role) == {
        "ConsumeQueues": ({f"sqs:{action}" for action in actions}, queues, None),
    }


def test_the_tasks_of_schedules_may_do_nothing(example: Example) -> None:
    assert granted(example.account, example.task("invoke")["taskRoleArn"]) == {}


def test_scheduler_may_start_these_tasks_and_report_failures(example: Example) -> None:
    roles = {example.task("invoke")[which] for which in ("taskRoleArn", "executionRoleArn")}
    tasks = f"arn:aws:ecs:{REGION}:{ACCOUNT_ID}:task-definition/handlers-invoke:*"
    passed_to = {"StringEquals": {"iam:PassedToService": "ecs-tasks.amazonaws.com"}}
    assert granted(example.account, "handlers-scheduler") == {
        "StartTasks": ({"ecs:RunTask"}, {tasks}, {"ArnEquals": {"ecs:cluster": CLUSTER}}),
        "PassTheirRoles": ({"iam:PassRole"}, roles, passed_to),
        "ReportFailures": ({"sqs:SendMessage"}, {sqs_arn("handlers-failed-runs")}, None),
    }


def test_only_this_account_assumes_the_roles_and_scheduler_only_for_the_group(example: Example) -> None:
    iam = example.cloud.client("iam")
    (trust,) = iam.get_role(RoleName="handlers-scheduler")["Role"]["AssumeRolePolicyDocument"]["Statement"]
    group = f"arn:aws:scheduler:{REGION}:{ACCOUNT_ID}:schedule-group/handlers"
    assert trust["Principal"] == {"Service": "scheduler.amazonaws.com"}
    assert trust["Condition"] == {
        "StringEquals": {"aws:SourceAccount": ACCOUNT_ID},
        "ArnEquals": {"aws:SourceArn": group},
    }
    for name in ("execution", "poll", "invoke"):
        (trust,) = iam.get_role(RoleName=f"handlers-{name}")["Role"]["AssumeRolePolicyDocument"]["Statement"]
        assert trust["Principal"] == {"Service": "ecs-tasks.amazonaws.com"}
        assert trust["Condition"] == {"StringEquals": {"aws:SourceAccount": ACCOUNT_ID}}


def test_only_the_rule_of_failed_runs_may_send_to_their_queue(example: Example) -> None:
    sqs = example.cloud.client("sqs")
    url = sqs.get_queue_url(QueueName="handlers-failed-runs")["QueueUrl"]
    policy = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["Policy"])["Attributes"]["Policy"]
    (statement,) = json.loads(policy)["Statement"]
    rule = f"arn:aws:events:{REGION}:{ACCOUNT_ID}:rule/handlers-failed-run"
    assert statement["Principal"] == {"Service": "events.amazonaws.com"}
    assert (statement["Action"], statement["Condition"]) == ("sqs:SendMessage", {"ArnEquals": {"aws:SourceArn": rule}})


def test_dead_letters_are_encrypted_and_kept_for_two_weeks(example: Example) -> None:
    sqs = example.cloud.client("sqs")
    for name in ("handlers-orders-dead-letters.fifo", "handlers-news-dead-letters", "handlers-failed-runs"):
        url = sqs.get_queue_url(QueueName=name)["QueueUrl"]
        attributes = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["All"])["Attributes"]
        assert (attributes["SqsManagedSseEnabled"], attributes["MessageRetentionPeriod"]) == ("true", "1209600")
        allowed = json.loads(attributes.get("RedriveAllowPolicy", "{}"))
        assert all(arn in (sqs_arn("orders.fifo"), sqs_arn("news")) for arn in allowed.get("sourceQueueArns", ()))


def test_everything_can_be_destroyed(example: Example) -> None:
    created = {resource["type"] for resource in example.folder.state() if resource.get("mode") == "managed"}
    assert created
    assert created <= KINDS.keys() | PARTS.keys(), "inventory.py is to say how these are listed, or with what they go"
    example.folder.run("destroy", "-auto-approve", *example.arguments)
    assert inventory(example.cloud) == example.beforehand
