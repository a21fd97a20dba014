"""The scripts' calls of AWS are valid: operations and options exist, and queries match the responses."""

import re
from typing import Any

import boto3  # type: ignore[import-untyped]
import jmespath  # type: ignore[import-untyped]
import pytest
from botocore import xform_name  # type: ignore[import-untyped]

from tests.workflows.scripts.test_deployment_scripts import NEWEST, NEWEST_OF_PROMETHEUS, PROMETHEUS, WHY, stands
from tests.workflows.stubs import Call, Machine
from tests.workflows.test_deployment import deploy

DESCRIBES = "aws ecs describe-services --cluster dev-chalice-app --services dev-chalice-app"

EVERY_COMMANDS = {"query", "output", "no-paginate"}
THE_PROGRAMS_OWN = "ecr get-login-password"  # an operation of the program, not of AWS


@pytest.fixture(scope="module")
def calls(tmp_path_factory: pytest.TempPathFactory) -> list[Call]:
    """The calls of AWS in a deployment that is rolled back, and so asks for the reason."""
    rolled_back = {NEWEST: [stands("ROLLBACK_SUCCESSFUL"), stands("SUCCESSFUL")], WHY: "{}\n"}
    forgotten = {NEWEST_OF_PROMETHEUS: "None\n", f"{DESCRIBES}-prometheus": f"{PROMETHEUS}\n"}
    machine = Machine(tmp_path_factory.mktemp("deployed") / "machine")
    failed = deploy(machine, {**rolled_back, **forgotten}).failed
    assert failed is not None
    assert "ECS rolled dev-chalice-app back" in failed.output, failed
    return [call for call in machine.called("aws") if THE_PROGRAMS_OWN not in call.line]


def operation_of(call: Call) -> Any:
    """Return AWS' description of a call's operation; for a waiter, of the operation that it repeats."""
    client = boto3.client(call.words[0], region_name="eu-west-1")
    if call.words[1] == "wait":
        name = client.get_waiter(call.words[2].replace("-", "_")).config.operation
    else:
        name = client.meta.method_to_api_mapping[call.words[1].replace("-", "_")]
    return client.meta.service_model.operation_model(name)


def test_every_call_and_every_option_is_known_to_aws(calls: list[Call]) -> None:
    assert len({tuple(call.words[:2]) for call in calls}) >= 9
    for call in calls:
        shape = operation_of(call).input_shape
        known = {xform_name(name).replace("_", "-") for name in shape.members} | EVERY_COMMANDS
        given = {word[2:] for word in call.words if re.fullmatch(r"--[a-z-]+", word)}
        assert given <= known, call.line
        required = {xform_name(name).replace("_", "-") for name in shape.required_members}
        assert required <= given, call.line


ANSWERED: list[tuple[str, dict[str, Any], Any]] = [
    ("sts get-caller-identity", {"Account": "123456789012"}, "123456789012"),
    ("ecr describe-images", {"imageDetails": [{"imageDigest": "sha256:1"}]}, "sha256:1"),
    (
        "ecr describe-image-scan-findings",
        {"imageScanStatus": {"status": "COMPLETE"}, "imageScanFindings": {"findingSeverityCounts": {"HIGH": 3}}},
        ["COMPLETE", None, 3],
    ),
    ("ecr describe-image-scan-findings", {"imageScanStatus": {"status": "FAILED"}}, ["FAILED", None, None]),
    ("ecs run-task", {"tasks": [{"taskArn": "arn:1"}], "failures": []}, ["arn:1", None]),
    ("ecs run-task", {"tasks": [], "failures": [{"reason": "RESOURCE:ENI"}]}, [None, "RESOURCE:ENI"]),
    (
        "ecs describe-task-definition: awslogs-group",
        {
            "taskDefinition": {
                "containerDefinitions": [
                    {"name": "collector", "logConfiguration": {"options": {"awslogs-group": "/ecs/x/collector"}}},
                    {"name": "migration", "logConfiguration": {"options": {"awslogs-group": "/ecs/x/app"}}},
                ]
            }
        },
        "/ecs/x/app",
    ),
    ("logs get-log-events", {"events": [{"message": "a"}, {"message": "b"}]}, [["a"], ["b"]]),
    (
        "ecs describe-tasks",
        {
            "tasks": [
                {"containers": [{"name": "collector"}, {"name": "migration", "exitCode": 0}], "stoppedReason": "ended"}
            ]
        },
        [0, "ended"],
    ),
    (
        "ecs describe-tasks",  # its image does not exist
        {"tasks": [{"containers": [{"name": "migration"}], "stoppedReason": "CannotPull"}]},
        [None, "CannotPull"],
    ),
    (
        "ecs describe-task-definition: .image",
        {
            "taskDefinition": {
                "containerDefinitions": [{"name": "collector", "image": "c:1"}, {"name": "app", "image": "a:2"}]
            }
        },
        "a:2",
    ),
    ("ecs describe-services: services[0].taskDefinition", {"services": [{"taskDefinition": "arn:7"}]}, "arn:7"),
    (
        "ecs describe-services: ACTIVE",
        {"services": [{"status": "ACTIVE", "taskDefinition": "arn:6"}], "failures": []},
        "arn:6",
    ),
    ("ecs describe-services: ACTIVE", {"services": [], "failures": [{"reason": "MISSING"}]}, None),
    ("ecs describe-services: ACTIVE", {"services": [{"status": "INACTIVE", "taskDefinition": "arn:6"}]}, None),
    ("ecs describe-services: events", {"services": [{"events": [{"id": "1", "message": "a"}]}]}, [[["a"]]]),
    (
        "ecs list-service-deployments",  # in any order
        {
            "serviceDeployments": [
                {"createdAt": "2026-11-27T10:00:00+00:00", "status": "SUCCESSFUL"},
                {
                    "createdAt": "2026-11-28T10:00:00+00:00",
                    "status": "IN_PROGRESS",
                    "serviceDeploymentArn": "deployment",
                    "targetServiceRevisionArn": "revision",
                },
            ]
        },
        ["IN_PROGRESS", "deployment", "revision"],
    ),
    ("ecs list-service-deployments", {"serviceDeployments": []}, None),
    ("ecs describe-service-revisions", {"serviceRevisions": [{"taskDefinition": "arn:7"}]}, "arn:7"),
    (
        "ecs describe-service-deployments",
        {
            "serviceDeployments": [
                {
                    "statusReason": "alarm detected",
                    "rollback": {"reason": "alarms", "serviceRevisionArn": "revision"},
                    "lifecycleStage": "BAKE_TIME",
                    "alarms": {"status": "TRIGGERED", "triggeredAlarmNames": ["failed-requests"]},
                    "deploymentCircuitBreaker": {"failureCount": 0},
                }
            ]
        },
        {
            "reason": "alarm detected",
            "rollback": "alarms",
            "stage": "BAKE_TIME",
            "alarms": ["failed-requests"],
            "failedTasks": 0,
        },
    ),
]


@pytest.mark.parametrize(("call", "answer", "found"), ANSWERED)
def test_a_query_matches_the_response(call: str, answer: dict[str, Any], found: Any, calls: list[Call]) -> None:
    start, _, part = call.partition(": ")
    queries = {each.option("--query") for each in calls if each.line.startswith(f"aws {start} ") and part in each.line}
    assert [jmespath.search(query, answer) for query in queries] == [found]


def test_every_query_is_tried(calls: list[Call]) -> None:
    asking = {(" ".join(call.words[:2]), call.option("--query")) for call in calls if "--query" in call.words}
    tried = {tuple(call.split(": ")) for call, _, _ in ANSWERED}
    untried = {
        (call, query)
        for call, query in asking
        if not any(call == start and all(part in query for part in parts) for start, *parts in tried)
    }
    assert not untried
    assert {call for call, _ in asking} == {start for start, *_ in tried}
