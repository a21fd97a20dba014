"""A commit on main is deployed in the promised order; after any failure nothing more is done."""

from collections.abc import Mapping

import pytest

from tests.workflows.runner import Run
from tests.workflows.scripts.test_deployment_scripts import (
    APPLIES,
    CHECKS,
    CURL,
    FINDS,
    FORBIDDEN,
    HEALTHY,
    HIDDEN,
    LISTED,
    MIGRATES,
    MIGRATION,
    NEWEST,
    STABLE,
    TF,
    WHY,
    prometheus_tag,
    stands,
)
from tests.workflows.scripts.test_image_scripts import (
    BUILDS,
    FINDINGS,
    INSTALLS,
    LOGS_IN,
    NOT_THERE,
    REGISTRY,
    TRIES,
    built,
    index,
    refused,
)
from tests.workflows.scripts.test_scan import CRITICAL, GRYPE, scanned
from tests.workflows.stubs import FAILS, Answer, Answers, Machine
from tests.workflows.tree import Tree

ROLE = "arn:aws:iam::123456789012:role/dev-chalice-app-deploy"
PUSH = {"github.sha": "c0ffee", "github.run_id": "7", "github.run_attempt": "1"}
PROMETHEUS = "dev-chalice-app-prometheus"
KEYS = {"secrets.AWS_ACCESS_KEY_ID": "key", "secrets.AWS_SECRET_ACCESS_KEY": "test"}
TOKEN = {"secrets.TERRAFORM_CLOUD_TOKEN": "test"}

EVERYTHING_WELL: Answers = {
    **CHECKS,
    **APPLIES,
    **BUILDS,
    **TRIES,
    **INSTALLS,
    **LOGS_IN,
    **MIGRATES,
    **FINDS,
    **STABLE,
    "aws ecr describe-images": refused(NOT_THERE),
    GRYPE: scanned(),
    "docker buildx imagetools create": index(amd64="sha256:1", arm64="sha256:2"),
    FINDINGS: "COMPLETE\tNone\tNone\n",
    CURL: [HEALTHY, LISTED, FORBIDDEN, HIDDEN],
}

AS_EVER: dict[str, str] = {}

# What changes something, as it is known by the beginning of its call.
DEEDS = {
    f"{TF} apply": "apply",
    "docker buildx build": "build",
    "docker run": "try",
    "grype": "scan",
    "skopeo copy --all": "push",
    "docker buildx imagetools create": "tag",
    "aws ecs run-task": "migrate",
    NEWEST: "wait",
    "curl --silent": "ask",
}


def deploy(machine: Machine, answers: Answers = AS_EVER, values: Mapping[str, str] = AS_EVER) -> Run:
    built(machine)
    machine.stub({**EVERYTHING_WELL, **answers})
    return Run(Tree(), machine).workflow("deploy-app.yml", {**PUSH, **TOKEN, **KEYS, **values})


def deeds(machine: Machine) -> list[str]:
    done = [call.line for call in machine.calls if "--dry-run" not in call.words]
    found = [next((deed for start, deed in DEEDS.items() if line.startswith(start)), "") for line in done]
    several = ("wait", "ask")  # of consecutive calls only the first is listed
    return [deed for deed, before in zip(found, ["", *found], strict=False) if deed and not (deed == before in several)]


@pytest.fixture(scope="module")
def deployed(tmp_path_factory: pytest.TempPathFactory) -> Machine:
    """The machine after a successful deployment."""
    machine = Machine(tmp_path_factory.mktemp("deployed") / "machine")
    run = deploy(machine)
    assert run.failed is None, run.failed
    return machine


IMAGE = ["build", "try", "scan", "push"]
IMAGES = [*IMAGE * 4, "tag", "tag"]
ALL = ["apply", *IMAGES, "apply", "migrate", "apply", "wait", "ask"]
BACK = ["apply", "wait", "ask"]
MIGRATED = ALL[: ALL.index("migrate") + 1]

PROMETHEUS_IS_THERE: Answers = {f"aws ecr describe-images --repository-name {PROMETHEUS}": "sha256:1\n"}
OFTEN = ["apply", *IMAGE * 2, "tag", "apply", "migrate", "apply", "wait", "ask"]
"""The steps if Prometheus' folder has not changed."""


def test_a_commit_goes_all_the_way_in_this_order(deployed: Machine) -> None:
    assert deeds(deployed) == ALL


def test_the_repositories_are_applied_first_then_what_the_migration_needs_then_everything(deployed: Machine) -> None:
    plans = [call for call in deployed.called(f"{TF} plan") if any(word.startswith("-out") for word in call.words)]
    targets = [[word.partition("=")[2] for word in plan.words if word.startswith("-target")] for plan in plans]
    assert targets[0] == ["module.ecr"]
    assert "module.migration" in targets[1]
    assert targets[2] == []


def test_everything_carries_the_commit(deployed: Machine) -> None:
    assert all("-var=image_tag=c0ffee" in call.words for call in deployed.called(f"{TF} plan"))
    assert all("REVISION=c0ffee" in call.words for call in deployed.called("docker buildx build"))


def test_each_image_is_built_for_both_kinds_of_processor_and_gets_one_tag(deployed: Machine) -> None:
    asked = [(call.option("--file"), call.option("--platform")) for call in deployed.called("docker buildx build")]
    files, platforms = ("fargate/Dockerfile", "prometheus/Dockerfile"), ("linux/amd64", "linux/arm64")
    assert asked == [(file, platform) for file in files for platform in platforms]
    pushed = {call.words[-1].rpartition("@")[0] for call in deployed.called("skopeo copy --all")}
    assert pushed == {f"docker://{REGISTRY}/dev-chalice-app", f"docker://{REGISTRY}/dev-chalice-app-prometheus"}
    tagged = {call.option("--tag") for call in deployed.called("docker buildx imagetools create")}
    prometheus = f"dev-chalice-app-prometheus:{prometheus_tag(deployed)}"
    assert tagged == {f"{REGISTRY}/dev-chalice-app:c0ffee", f"{REGISTRY}/{prometheus}"}


def test_prometheus_runs_the_tag_that_was_given(deployed: Machine) -> None:
    given = f"-var=prometheus_image_tag={prometheus_tag(deployed)}"
    assert all(given in call.words for call in deployed.called(f"{TF} plan"))


def test_a_commit_of_the_application_leaves_prometheus_image_alone(machine: Machine) -> None:
    run = deploy(machine, PROMETHEUS_IS_THERE)
    assert run.failed is None
    assert {call.option("--file") for call in machine.called("docker buildx build")} == {"fargate/Dockerfile"}
    assert deeds(machine) == OFTEN


@pytest.mark.parametrize("said", ["UNSUPPORTED_IMAGE\tNone\tNone\n", "FAILED\tNone\tNone\n", FAILS])
def test_ecrs_own_scan_stops_nothing_and_is_shown(said: str | Answer, machine: Machine) -> None:
    run = deploy(machine, {**PROMETHEUS_IS_THERE, FINDINGS: said})
    assert run.failed is None, run.failed
    assert deeds(machine) == OFTEN
    assert machine.text("summary").count("ECR's own scan of ") == 2


def test_the_scan_comes_before_the_image_goes_anywhere(machine: Machine) -> None:
    run = deploy(machine, {GRYPE: [scanned(), scanned(CRITICAL)]})
    assert run.failed is not None
    assert "app (arm64) must not be deployed" in run.failed.error
    assert deeds(machine) == ["apply", *IMAGE, *IMAGE[:3]]  # the earlier push has no tag


def test_terraform_has_its_token_and_the_build_of_images_does_not(deployed: Machine) -> None:
    has = {call.program: "TF_TOKEN_app_terraform_io" in call.environ for call in deployed.calls}
    assert has["terraform"]
    assert not has["docker"]


@pytest.mark.parametrize(("values", "who"), [({}, "key"), ({"vars.AWS_ROLE_ARN": ROLE}, ROLE)])
def test_aws_is_asked_as_the_role_where_there_is_one_and_with_the_keys_otherwise(
    values: dict[str, str], who: str, machine: Machine
) -> None:
    run = deploy(machine, values=values)
    assert run.failed is None, run.failed
    assert {call.environ.get("AWS_ACCESS_KEY_ID") for call in machine.called("aws")} == {who}


def test_names_follow_the_variables_of_the_repository(machine: Machine) -> None:
    deploy(machine, values={"vars.ENV": "prod", "vars.SERVICE": "shop", "vars.AWS_REGION": "eu-central-1"})
    plan = machine.called(f"{TF} plan")[0]
    assert {"-var=env=prod", "-var=service=shop", "-var=region=eu-central-1"} <= set(plan.words)
    repositories = {call.option("--repository-name") for call in machine.called("aws ecr describe-images")}
    assert repositories == {"prod-shop", "prod-shop-prometheus"}


def test_a_second_run_of_the_same_commit_builds_nothing(machine: Machine) -> None:
    run = deploy(machine, {"aws ecr describe-images": "sha256:1\n"})
    assert run.failed is None
    assert deeds(machine) == [deed for deed in ALL if deed not in IMAGES]


@pytest.mark.parametrize(
    ("fault", "step", "done"),
    [
        ({f"{TF} fmt": FAILS}, "Format, init, validate", []),
        ({f"{TF} validate": FAILS}, "Format, init, validate", []),
        ({f"{TF} apply": FAILS}, "Apply one module", ["apply"]),
        ({"docker buildx create": FAILS}, "Build", ["apply"]),
        ({"docker buildx build": FAILS}, "Build", ["apply", *IMAGE[:1]]),
        ({"docker run": FAILS}, "Try the image", ["apply", *IMAGE[:2]]),
        ({"tar --extract": FAILS}, "Install the scanner", ["apply", *IMAGE[:2]]),
        ({GRYPE: scanned(CRITICAL)}, "Scan", ["apply", *IMAGE[:3]]),
        ({"docker login": FAILS}, "Log in", ["apply", *IMAGE[:3]]),
        ({"skopeo copy --all": FAILS}, "Push", ["apply", *IMAGE]),
        ({"docker buildx imagetools create": index(amd64="sha256:1")}, "Tag", ["apply", *IMAGE * 2]),
        ({f"{TF} plan": ["", FAILS]}, "Plan everything", OFTEN[:10]),
        ({f"{TF} apply": ["", FAILS]}, "Apply what the migration needs", OFTEN[:11]),
        ({"aws ecs run-task": "None\tRESOURCE:ENI\n"}, "Migrate the database", OFTEN[:12]),
        ({"aws ecs describe-tasks": "1\tEssential container in task exited\n"}, "Migrate the database", OFTEN[:12]),
        ({"aws ecs wait tasks-stopped": FAILS}, "Migrate the database", OFTEN[:12]),
        ({f"{TF} apply": ["", "", FAILS]}, "Roll out", OFTEN[:13]),
        ({next(iter(FINDS)): FAILS}, "Find the running image", OFTEN[:11]),
    ],
)
def test_a_failure_stops_all_later_steps(fault: Answers, step: str, done: list[str], machine: Machine) -> None:
    run = deploy(machine, {**PROMETHEUS_IS_THERE, **fault})
    assert run.failed is not None
    assert run.at[-1] == step
    assert deeds(machine) == done


RIGHT = [HEALTHY, LISTED, FORBIDDEN, HIDDEN]
ROLLED_BACK = stands("ROLLBACK_SUCCESSFUL")


@pytest.mark.parametrize(
    ("fault", "step", "done"),
    [
        ({CURL: [*[Answer("500")] * 12, *RIGHT]}, "Smoke test", [*ALL, *BACK]),
        ({NEWEST: [ROLLED_BACK, stands("SUCCESSFUL")]}, "Wait until the services are stable", [*ALL[:-1], *BACK]),
        ({NEWEST: [*[FAILS] * 5, stands("SUCCESSFUL")]}, "Wait until the services are stable", [*ALL[:-1], *BACK]),
    ],
)
def test_a_release_that_fails_its_checks_is_rolled_back_and_the_run_fails(
    fault: Answers, step: str, done: list[str], machine: Machine
) -> None:
    run = deploy(machine, {WHY: "{}\n", **fault})
    assert run.failed is not None
    assert run.at[-2:] == [step, "Roll back"]
    assert deeds(machine) == done
    assert "-var=image_tag=0ldc0de" in machine.called(f"{TF} plan")[-1].words
    assert "runs 0ldc0de again" in run.ended[-1].output


def test_the_first_deployment_has_nothing_to_go_back_to(machine: Machine) -> None:
    first = {"aws ecs describe-services --cluster dev-chalice-app --services dev-chalice-app": "None\n"}
    run = deploy(machine, {**first, CURL: Answer("500")})
    assert run.failed is not None
    assert deeds(machine) == ALL
    assert "nothing to roll back to" in run.ended[-1].error


def test_the_role_is_assumed_again_before_steps_that_may_come_an_hour_later() -> None:
    steps = Tree().workflows()["deploy-infra.yml"]["jobs"]["apply"]["steps"]
    names = [step.get("name", "") for step in steps]
    renewed = [names[number - 1] for number, name in enumerate(names) if name.startswith(("Wait until", "Go back"))]
    assert all(name.startswith("Assume the role") for name in renewed), renewed


# With an environment


APPROVED = {"vars.DEPLOY_ENVIRONMENT": "prod"}
PLAN = """\
Terraform will perform the following actions:
  # module.app.aws_ecs_service.this will be updated in-place
Plan: 0 to add, 1 to change, 0 to destroy.
"""


def test_with_an_environment_the_plan_comes_before_the_job_that_waits_for_approval(machine: Machine) -> None:
    run = deploy(machine, {f"{TF} plan": PLAN}, APPROVED)
    assert run.failed is None, run.failed
    assert run.at.index("Plan for approval") < run.at.index("Plan everything")
    assert deeds(machine) == ALL


def test_a_plan_that_differs_from_the_approved_one_is_not_applied(machine: Machine) -> None:
    run = deploy(machine, {f"{TF} plan": ["", PLAN, PLAN.replace("module.app", "module.database")]}, APPROVED)
    assert run.failed is not None
    assert "not the one that was approved" in run.failed.error
    assert run.at[-1] == "Plan everything"
    assert deeds(machine) == ALL[: 1 + len(IMAGES)]


def test_without_an_environment_nothing_is_planned_twice(deployed: Machine) -> None:
    assert len(deployed.called(f"{TF} plan")) == 4


def test_the_services_run_the_image_of_the_migration(deployed: Machine) -> None:
    assert deployed.call("aws ecs run-task").option("--task-definition") == MIGRATION


def test_without_a_token_the_first_step_says_so(machine: Machine) -> None:
    run = deploy(machine, values={"secrets.TERRAFORM_CLOUD_TOKEN": ""})
    assert run.failed is not None
    assert "TERRAFORM_CLOUD_TOKEN" in run.failed.error
    assert not machine.calls
