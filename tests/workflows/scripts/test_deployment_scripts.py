"""The scripts that plan, apply, migrate, wait and check: what they call, and that each error stops them."""

import json

import pytest

from tests.workflows.stubs import FAILS, Answer, Answers, Call, Done, Machine

DEPLOYED = {"ENV": "dev", "SERVICE": "chalice-app", "AWS_REGION": "eu-west-1", "IMAGE_TAG": "c0ffee"}
TOKEN = {"TF_TOKEN_app_terraform_io": "test"}
TF = "terraform -chdir=terraform"
DEFINITION = "arn:aws:ecs:eu-west-1:123456789012:task-definition/dev-chalice-app:7"
MIGRATION = "arn:aws:ecs:eu-west-1:123456789012:task-definition/dev-chalice-app-migration:7"
OLD_DEFINITION = "arn:aws:ecs:eu-west-1:123456789012:task-definition/dev-chalice-app:6"
PROMETHEUS = "arn:aws:ecs:eu-west-1:123456789012:task-definition/dev-chalice-app-prometheus:3"
TASK = "arn:aws:ecs:eu-west-1:123456789012:task/dev-chalice-app/0f1e2d"

IMAGES = "123456789012.dkr.ecr.eu-west-1.amazonaws.com"

OUTPUTS: dict[str, str | Answer] = {
    f"{TF} output -raw cluster_name": "dev-chalice-app",
    f"{TF} output -raw service_name": "dev-chalice-app",
    f"{TF} output -raw task_definition_arn": DEFINITION,
    f"{TF} output -raw prometheus_task_definition_arn": PROMETHEUS,
    f"{TF} output -raw migration_task_definition_arn": MIGRATION,
    f"{TF} output -json task_subnet_ids": '["subnet-1","subnet-2"]\n',
    f"{TF} output -raw task_public_ip": "DISABLED",
    f"{TF} output -raw task_security_group_id": "sg-1",
    f"{TF} output -raw url": "https://shop.example.com",
}


def variables(call: Call) -> set[str]:
    return {word for word in call.words if word.startswith("-var")}


CURL = "curl --silent --show-error --max-time 10 --output"
HEALTHY = Answer("200", body='{"status":"Healthy","version":"1"}')
LISTED = Answer("200", body='{"products":[],"next":null}')
FORBIDDEN = Answer("403", body='{"message":"Forbidden"}')
HIDDEN = Answer("404", body='{"message":"Not Found"}')


def prometheus_tag(machine: Machine) -> str:
    return machine.run("folder-tag.sh", "prometheus").output.strip()


# check-terraform.sh

CHECKS = {f"{TF} fmt": "", f"{TF} init": "", f"{TF} validate": ""}


def test_the_tree_is_checked_before_it_is_used(machine: Machine) -> None:
    machine.stub(CHECKS)
    done = machine.run("check-terraform.sh", **TOKEN)
    assert done.status == 0, done.output
    assert [call.words[1] for call in machine.calls] == ["fmt", "init", "validate"]
    assert "-check" in machine.call(f"{TF} fmt").words
    assert all("-input=false" in call.words for call in machine.called(f"{TF} init"))


@pytest.mark.parametrize("number", range(3))
def test_each_error_in_the_tree_fails_the_check(number: int, machine: Machine) -> None:
    machine.stub({**CHECKS, list(CHECKS)[number]: FAILS})
    assert machine.run("check-terraform.sh", **TOKEN).status != 0
    assert len(machine.calls) == number + 1


@pytest.mark.parametrize("token", [{}, {"TF_TOKEN_app_terraform_io": ""}])
def test_a_token_that_is_missing_is_named(token: dict[str, str], machine: Machine) -> None:
    done = machine.run("check-terraform.sh", **token)
    assert done.status != 0
    assert "TERRAFORM_CLOUD_TOKEN" in done.error
    assert not machine.calls


# plan.sh


def test_a_plan_is_shown_and_changes_nothing(machine: Machine) -> None:
    machine.stub({f"{TF} plan": "Plan: 1 to add, 0 to change, 0 to destroy.\n"})
    text = machine.folder / "plan.txt"
    done = machine.run("plan.sh", **DEPLOYED, PLAN_TEXT=str(text))
    assert done.status == 0, done.output
    (call,) = machine.calls
    assert variables(call) == {
        "-var=env=dev",
        "-var=service=chalice-app",
        "-var=region=eu-west-1",
        "-var=image_tag=c0ffee",
        f"-var=prometheus_image_tag={prometheus_tag(machine)}",
    }
    assert not [word for word in call.words if word.startswith("-out")]
    assert text.read_text() == "Plan: 1 to add, 0 to change, 0 to destroy.\n"
    assert "Plan: 1 to add" in machine.text("summary")


def test_a_plan_that_fails_is_shown_too_and_is_a_failure(machine: Machine) -> None:
    machine.stub({f"{TF} plan": Answer("half a plan\n", 1, "Error: no such thing\n")})
    text = machine.folder / "plan.txt"
    assert machine.run("plan.sh", **DEPLOYED, PLAN_TEXT=str(text)).status == 1
    assert "Error: no such thing" in text.read_text()
    assert "Error: no such thing" in machine.text("summary")


APPROVED = """\
Terraform will perform the following actions:

  # module.app.aws_ecs_service.this will be updated in-place
  ~ task_definition = "dev-chalice-app:6" -> (known after apply)

Plan: 0 to add, 1 to change, 0 to destroy.
"""


def fingerprint(machine: Machine, plan: str) -> str:
    machine.stub({f"{TF} plan": plan})
    assert machine.run("plan.sh", **DEPLOYED).status == 0
    return machine.text("output").splitlines()[-1].removeprefix("changes=")


def test_the_same_changes_are_equal_despite_other_output(machine: Machine) -> None:
    approved = fingerprint(machine, f"Preparing the remote plan...\n{APPROVED}")
    machine.stub({f"{TF} plan": f"run-2\n{APPROVED}\nWarning: something\n"})
    done = machine.run("plan.sh", **DEPLOYED, APPROVED_CHANGES=approved)
    assert done.status == 0, done.output


@pytest.mark.parametrize(
    "now", [APPROVED.replace("app:6", "app:7"), "No changes. Your infrastructure matches the configuration.\n"]
)
def test_other_changes_than_those_that_were_approved_are_refused(now: str, machine: Machine) -> None:
    approved = fingerprint(machine, APPROVED)
    machine.stub({f"{TF} plan": now})
    done = machine.run("plan.sh", **DEPLOYED, APPROVED_CHANGES=approved)
    assert done.status != 0
    assert "not the one that was approved" in done.error


def test_a_summary_holds_no_more_than_github_takes(machine: Machine) -> None:
    machine.stub({f"{TF} plan": "x" * 2_000_000})
    assert machine.run("plan.sh", **DEPLOYED).status == 0
    assert len(machine.text("summary")) < 1024 * 1024


# apply.sh

APPLIES = {f"{TF} plan": "", f"{TF} apply": ""}


def targets(machine: Machine) -> list[str]:
    words = machine.call(f"{TF} plan").words
    return [word.removeprefix("-target=") for word in words if word.startswith("-target")]


def test_exactly_the_saved_plan_is_applied(machine: Machine) -> None:
    machine.stub(APPLIES)
    done = machine.run("apply.sh", **DEPLOYED)
    assert done.status == 0, done.output
    plan, apply = machine.calls
    assert len(variables(plan)) == 5
    assert apply.words[-1] == plan.option("-out") == "deploy.tfplan"
    assert not variables(apply)
    assert targets(machine) == []


def test_one_module_is_applied_by_itself(machine: Machine) -> None:
    machine.stub(APPLIES)
    assert machine.run("apply.sh", "module.ecr", **DEPLOYED).status == 0
    assert targets(machine) == ["module.ecr"]


def test_before_the_roll_out_neither_service_is_touched(machine: Machine) -> None:
    machine.stub(APPLIES)
    assert machine.run("apply.sh", "--before-roll-out", **DEPLOYED).status == 0
    assert "module.migration" in targets(machine)
    assert "module.database" in targets(machine)
    assert not {"module.app", "module.prometheus", "module.app.aws_ecs_service.this"} & set(targets(machine))
    assert not any("#" in target or " " in target for target in targets(machine))


def test_a_plan_that_fails_is_not_applied(machine: Machine) -> None:
    machine.stub({**APPLIES, f"{TF} plan": FAILS})
    assert machine.run("apply.sh", **DEPLOYED).status != 0
    assert len(machine.calls) == 1


def test_an_apply_that_fails_is_a_failure(machine: Machine) -> None:
    machine.stub({**APPLIES, f"{TF} apply": FAILS})
    assert machine.run("apply.sh", **DEPLOYED).status != 0


@pytest.mark.parametrize("missing", DEPLOYED)
def test_an_incomplete_deployment_address_is_refused(missing: str, machine: Machine) -> None:
    machine.stub(APPLIES)
    for script in ("plan.sh", "apply.sh"):
        known = {name: value for name, value in DEPLOYED.items() if name != missing}
        assert machine.run(script, **known).status != 0
    assert not machine.calls


# migrate.sh

MIGRATES: Answers = {
    **OUTPUTS,
    "aws ecs run-task": f"{TASK}\tNone\n",
    "aws ecs wait tasks-stopped": "",
    "aws ecs describe-task-definition": "/ecs/dev-chalice-app/app\n",
    "aws logs get-log-events": "Migrated: 0002 Versions\n",
    "aws ecs describe-tasks": "0\tEssential container in task exited\n",
}


def test_the_migration_runs_as_a_task_of_its_own_definition_where_tasks_run(machine: Machine) -> None:
    machine.stub(MIGRATES)
    done = machine.run("migrate.sh", IMAGE_TAG="c0ffee")
    assert done.status == 0, done.output
    task = machine.call("aws ecs run-task")
    assert task.option("--cluster") == "dev-chalice-app"
    assert task.option("--task-definition") == MIGRATION
    assert task.option("--started-by") == "migrate-c0ffee"
    assert json.loads(task.option("--network-configuration")) == {
        "awsvpcConfiguration": {
            "subnets": ["subnet-1", "subnet-2"],
            "securityGroups": ["sg-1"],
            "assignPublicIp": "DISABLED",
        }
    }
    assert "--overrides" not in task.words, "what it runs, and as whom, its definition says"


def test_the_migration_gets_a_public_address_where_tasks_have_one(machine: Machine) -> None:
    machine.stub({**MIGRATES, f"{TF} output -raw task_public_ip": "ENABLED"})
    assert machine.run("migrate.sh", IMAGE_TAG="c0ffee").status == 0
    network = json.loads(machine.call("aws ecs run-task").option("--network-configuration"))
    assert network["awsvpcConfiguration"]["assignPublicIp"] == "ENABLED"


def test_the_output_of_the_migration_is_shown(machine: Machine) -> None:
    machine.stub(MIGRATES)
    assert "Migrated: 0002 Versions" in machine.run("migrate.sh", IMAGE_TAG="c0ffee").output
    log = machine.call("aws logs get-log-events")
    assert log.option("--log-group-name") == "/ecs/dev-chalice-app/app"
    assert log.option("--log-stream-name") == "migration/migration/0f1e2d"


@pytest.mark.parametrize(
    ("answers", "said"),
    [
        ({"aws ecs run-task": "None\tRESOURCE:ENI\n"}, "did not start the migration: RESOURCE:ENI"),
        ({"aws ecs run-task": "None\tNone\n"}, "did not start"),
        ({"aws ecs describe-tasks": "1\tEssential container in task exited\n"}, "exit status 1 (Essential container"),
        ({"aws ecs describe-tasks": "None\tCannotPullContainerError: no\n"}, "exit status None (CannotPull"),
        ({"aws ecs describe-tasks": "None\n"}, "exit status None"),
        ({"aws ecs wait tasks-stopped": FAILS}, "has not ended"),
        ({"aws ecs run-task": FAILS}, ""),
        ({"aws ecs describe-tasks": FAILS}, ""),
        ({"aws ecs describe-task-definition": FAILS}, ""),
        ({f"{TF} output -raw migration_task_definition_arn": FAILS}, ""),
        ({f"{TF} output -json task_subnet_ids": FAILS}, ""),
        ({f"{TF} output -raw task_public_ip": FAILS}, ""),
    ],
)
def test_a_migration_that_did_not_succeed_is_a_failure(answers: Answers, said: str, machine: Machine) -> None:
    machine.stub({**MIGRATES, **answers})
    done = machine.run("migrate.sh", IMAGE_TAG="c0ffee")
    assert done.status != 0
    assert said in done.error


def test_a_failed_migration_shows_its_output(machine: Machine) -> None:
    machine.stub({**MIGRATES, "aws ecs describe-tasks": "1\tEssential container in task exited\n"})
    assert "Migrated: 0002 Versions" in machine.run("migrate.sh", IMAGE_TAG="c0ffee").output


def test_a_long_migration_is_waited_for_again(machine: Machine) -> None:
    machine.stub({**MIGRATES, "aws ecs wait tasks-stopped": [Answer(status=255), ""]})
    assert machine.run("migrate.sh", IMAGE_TAG="c0ffee").status == 0
    assert len(machine.called("aws ecs wait")) == 2
    assert len(machine.called("aws ecs run-task")) == 1


def test_lines_that_cannot_be_read_do_not_fail_a_migration_that_succeeded(machine: Machine) -> None:
    machine.stub({**MIGRATES, "aws logs get-log-events": FAILS})
    assert machine.run("migrate.sh", IMAGE_TAG="c0ffee").status == 0


# find-running.sh

RUNNING = f"{IMAGES}/dev-chalice-app:0ldc0de\n"
FINDS: Answers = {
    "aws ecs describe-services --cluster dev-chalice-app --services dev-chalice-app": f"{OLD_DEFINITION}\n",
    f"aws ecs describe-task-definition --task-definition {OLD_DEFINITION}": RUNNING,
}


def test_the_image_that_runs_is_noted_before_another_is_rolled_out(machine: Machine) -> None:
    machine.stub(FINDS)
    done = machine.run("find-running.sh", ENV="dev", SERVICE="chalice-app")
    assert done.status == 0, done.output
    assert machine.text("output") == "image-tag=0ldc0de\n"


def test_before_the_first_deployment_nothing_runs(machine: Machine) -> None:
    machine.stub({"aws ecs describe-services": "None\n"})
    done = machine.run("find-running.sh", ENV="dev", SERVICE="chalice-app")
    assert done.status == 0, done.output
    assert machine.text("output") == "image-tag=\n"


@pytest.mark.parametrize("call", FINDS)
def test_a_failed_query_is_not_read_as_an_empty_answer(call: str, machine: Machine) -> None:
    machine.stub({**FINDS, call: FAILS})
    assert machine.run("find-running.sh", ENV="dev", SERVICE="chalice-app").status != 0
    assert not machine.text("output")


# wait-stable.sh

DEPLOYMENT = "arn:aws:ecs:eu-west-1:123456789012:service-deployment/dev-chalice-app/dev-chalice-app/8"
REVISION = "arn:aws:ecs:eu-west-1:123456789012:service-revision/dev-chalice-app/dev-chalice-app/8"
LISTS = "aws ecs list-service-deployments --cluster dev-chalice-app --service"
NEWEST = f"{LISTS} dev-chalice-app --"
NEWEST_OF_PROMETHEUS = f"{LISTS} dev-chalice-app-prometheus --"
BROUGHT = "aws ecs describe-service-revisions --service-revision-arns"
WHY = "aws ecs describe-service-deployments"


def stands(status: str) -> str:
    return f"{status}\t{DEPLOYMENT}\t{REVISION}\n"


STABLE: Answers = {
    **OUTPUTS,
    NEWEST: stands("SUCCESSFUL"),
    f"{BROUGHT} {REVISION}": f"{DEFINITION}\n",
    NEWEST_OF_PROMETHEUS: "SUCCESSFUL\tdeployment\trevision\n",
    f"{BROUGHT} revision": f"{PROMETHEUS}\n",
}
EXPLAINED: Answers = {WHY: '{"alarms": ["failed-requests"]}\n', "aws ecs describe-services": "tasks failed to start\n"}


def wait(machine: Machine, answers: Answers, minutes: str = "1") -> Done:
    machine.stub({**STABLE, **EXPLAINED, **answers})
    return machine.run("wait-stable.sh", PAUSE="0", WAIT_MINUTES=minutes)


def test_both_deployments_are_waited_for(machine: Machine) -> None:
    done = wait(machine, {})
    assert done.status == 0, done.output
    assert done.output.splitlines() == [
        f"dev-chalice-app runs {DEFINITION}",
        f"dev-chalice-app-prometheus runs {PROMETHEUS}",
    ]


GOING = ("PENDING", "IN_PROGRESS", "STOP_REQUESTED", "ROLLBACK_REQUESTED", "ROLLBACK_IN_PROGRESS")


@pytest.mark.parametrize("status", GOING)
def test_a_deployment_that_goes_on_is_waited_for(status: str, machine: Machine) -> None:
    assert wait(machine, {NEWEST: [stands(status), stands(status), stands("SUCCESSFUL")]}).status == 0
    assert len(machine.called(NEWEST)) == 3


def test_the_deployment_before_is_not_taken_for_this_one(machine: Machine) -> None:
    done = wait(machine, {f"{BROUGHT} {REVISION}": [f"{OLD_DEFINITION}\n", f"{DEFINITION}\n"]})
    assert done.status == 0, done.output
    assert len(machine.called(NEWEST)) == 2


@pytest.mark.parametrize(
    ("status", "said"),
    [
        ("ROLLBACK_SUCCESSFUL", f"ECS rolled dev-chalice-app back: {DEFINITION} failed"),
        ("ROLLBACK_FAILED", "ended as ROLLBACK_FAILED"),
        ("STOPPED", "ended as STOPPED"),
        ("SOMETHING_NEW", "ended as SOMETHING_NEW"),
    ],
)
def test_a_deployment_that_ended_otherwise_fails_with_the_reason_of_ecs(
    status: str, said: str, machine: Machine
) -> None:
    done = wait(machine, {NEWEST: [stands("IN_PROGRESS"), stands(status)]})
    assert done.status == (3 if status == "ROLLBACK_SUCCESSFUL" else 1)
    assert said in done.error
    assert machine.call(WHY).option("--service-deployment-arns") == DEPLOYMENT
    assert "failed-requests" in done.output
    assert "tasks failed to start" in done.output


def test_prometheus_going_back_is_a_failure_too(machine: Machine) -> None:
    done = wait(machine, {NEWEST_OF_PROMETHEUS: "ROLLBACK_SUCCESSFUL\tdeployment\trevision\n"})
    assert done.status != 0
    assert "ECS rolled dev-chalice-app-prometheus back" in done.error


def test_a_deployment_that_does_not_end_in_time_is_a_failure_of_another_kind(machine: Machine) -> None:
    done = wait(machine, {NEWEST: stands("IN_PROGRESS")}, minutes="0")
    assert done.status != 0
    assert "has not ended in 0 minutes; it is IN_PROGRESS" in done.error
    assert "tasks failed to start" in done.output


def test_the_end_is_reported_even_without_a_reason_of_ecs(machine: Machine) -> None:
    done = wait(machine, {NEWEST: stands("ROLLBACK_SUCCESSFUL"), WHY: FAILS, "aws ecs describe-services": FAILS})
    assert "ECS rolled dev-chalice-app back" in done.error


def test_if_ecs_has_forgotten_the_deployment_the_running_task_decides(machine: Machine) -> None:
    runs = "aws ecs describe-services --cluster dev-chalice-app --services dev-chalice-app-prometheus"
    done = wait(machine, {NEWEST_OF_PROMETHEUS: "None\n", runs: f"{PROMETHEUS}\n"})
    assert done.status == 0, done.output


@pytest.mark.parametrize("call", sorted(STABLE.keys() - OUTPUTS.keys()))
def test_a_failed_query_is_not_read_as_success(call: str, machine: Machine) -> None:
    done = wait(machine, {call: FAILS})
    assert done.status == 1
    assert "ECS does not respond" in done.error


@pytest.mark.parametrize("call", sorted(STABLE.keys() - OUTPUTS.keys()))
def test_a_call_that_fails_once_does_not_roll_a_good_version_back(call: str, machine: Machine) -> None:
    answers = {call: [*[FAILS] * 4, str(STABLE[call])]}
    assert wait(machine, answers).status == 0


# roll-back.sh

BACK = {**DEPLOYED, "PREVIOUS_IMAGE_TAG": "0ldc0de", "PAUSE": "0", "WAIT_MINUTES": "1"}


def goes_back(machine: Machine, answers: Answers, **environ: str) -> Done:
    machine.stub({**STABLE, **EXPLAINED, **APPLIES, CURL: [HEALTHY, LISTED, FORBIDDEN, HIDDEN], **answers})
    return machine.run("roll-back.sh", **{**BACK, **environ})


def test_the_image_that_ran_before_is_applied_waited_for_and_asked(machine: Machine) -> None:
    done = goes_back(machine, {})
    assert done.status == 0, done.output
    assert "-var=image_tag=0ldc0de" in machine.call(f"{TF} plan").words
    assert targets(machine) == ["module.app"]
    order = [call.line for call in machine.calls if call.line.startswith((f"{TF} apply", NEWEST, "curl"))]
    assert [line.split()[0] for line in order] == ["terraform", "aws", *["curl"] * 4]
    assert "::warning::c0ffee failed; the application runs 0ldc0de again" in done.output


def test_an_alarm_that_the_bad_image_raises_late_does_not_bring_it_back(machine: Machine) -> None:
    done = goes_back(machine, {NEWEST: [stands("ROLLBACK_SUCCESSFUL"), stands("SUCCESSFUL")]})
    assert done.status == 0, done.output
    assert len(machine.called(f"{TF} apply")) == 2
    assert "the application runs 0ldc0de again" in done.output


def test_a_second_rollback_is_a_failure(machine: Machine) -> None:
    done = goes_back(machine, {NEWEST: stands("ROLLBACK_SUCCESSFUL")})
    assert done.status != 0
    assert len(machine.called(f"{TF} apply")) == 2
    assert "::warning::" not in done.output


@pytest.mark.parametrize(("before", "said"), [("", "Nothing ran before c0ffee"), ("c0ffee", "c0ffee also ran before")])
def test_where_there_is_nothing_to_go_back_to_nothing_is_changed(before: str, said: str, machine: Machine) -> None:
    done = goes_back(machine, {}, PREVIOUS_IMAGE_TAG=before)
    assert done.status != 0
    assert said in done.error
    assert not machine.calls


@pytest.mark.parametrize(
    ("answers", "said"),
    [
        ({f"{TF} plan": FAILS}, "could not roll back to 0ldc0de; c0ffee may still run"),
        ({f"{TF} apply": FAILS}, "could not roll back to 0ldc0de; c0ffee may still run"),
        ({NEWEST: stands("STOPPED")}, "ended as STOPPED"),
        ({CURL: Answer("503")}, "returned 503"),
    ],
)
def test_going_back_that_fails_says_at_what(answers: Answers, said: str, machine: Machine) -> None:
    done = goes_back(machine, answers, TRIES="1")
    assert done.status != 0
    assert said in done.error
    assert "::warning::" not in done.output


# smoke-test.sh


def test_the_application_is_asked_through_its_public_name(machine: Machine) -> None:
    machine.stub({**OUTPUTS, CURL: [HEALTHY, LISTED, FORBIDDEN, HIDDEN]})
    done = machine.run("smoke-test.sh", PAUSE="0")
    assert done.status == 0, done.output
    assert [call.words[-1] for call in machine.called("curl")] == [
        "https://shop.example.com/status",
        "https://shop.example.com/products?limit=1",
        "https://shop.example.com/data",
        "https://shop.example.com/metrics",
    ]


@pytest.mark.parametrize(
    "answers",
    [
        [Answer("503", body='{"status":"Unhealthy"}')],
        [Answer("200", body="<html>another site's</html>")],
        [Answer("000", 6, "curl: (6) Could not resolve host\n")],
        [HEALTHY, Answer("503", body='{"Code":"ServiceUnavailable"}')],
        [HEALTHY, LISTED, Answer("201", body="{}")],  # a write without a key
        [HEALTHY, LISTED, FORBIDDEN, Answer("200", body="# HELP")],  # public metrics
        [Answer("200")],
    ],
)
def test_a_wrong_answer_is_a_failure(answers: list[Answer], machine: Machine) -> None:
    machine.stub({**OUTPUTS, CURL: answers})
    done = machine.run("smoke-test.sh", PAUSE="0", TRIES="3")
    assert done.status != 0
    assert " returned " in done.error
    assert len(machine.called("curl")) == len(answers) - 1 + 3


def test_a_name_that_is_not_there_at_once_is_asked_again(machine: Machine) -> None:
    unknown = Answer("000", 6, "curl: (6) Could not resolve host\n")
    machine.stub({**OUTPUTS, CURL: [unknown, unknown, HEALTHY, LISTED, FORBIDDEN, HIDDEN]})
    assert machine.run("smoke-test.sh", PAUSE="0").status == 0


# comment-plan.sh


def shown(machine: Machine, text: str) -> str:
    plan = machine.folder / "plan.txt"
    plan.write_text(text, encoding="utf-8")
    machine.stub({"gh pr comment": ""})
    done = machine.run("comment-plan.sh", PLAN_TEXT=str(plan), PULL_REQUEST="12", IMAGE_TAG="c0ffee")
    assert done.status == 0, done.output
    call = machine.call("gh pr comment")
    assert call.words[2] == "12"
    assert "--edit-last" in call.words
    (comment,) = machine.folder.glob("tmp.*")
    assert call.option("--body-file") == str(comment)
    return comment.read_text(encoding="utf-8")


def test_a_plan_is_commented_on_its_pull_request_with_its_summary_first(machine: Machine) -> None:
    comment = shown(machine, "# aws_vpc.this will be created\nPlan: 1 to add, 0 to change, 0 to destroy.\n")
    assert comment.index("Plan: 1 to add") < comment.index("<details>") < comment.index("# aws_vpc.this")
    assert "c0ffee" in comment


def test_a_plan_that_failed_is_shown_too(machine: Machine) -> None:
    comment = shown(machine, "╷\n│ Error: Invalid value for variable\n╵\n")
    assert "Error: Invalid value" in comment.partition("<details>")[0]


def test_a_comment_holds_no_more_than_github_takes(machine: Machine) -> None:
    comment = shown(machine, "+ line\n" * 100_000 + "Plan: 1 to add, 0 to change, 0 to destroy.\n")
    assert len(comment) < 65_536
    assert comment.count("Plan: 1 to add") == 2


def test_without_a_plan_there_is_no_comment(machine: Machine) -> None:
    missing = str(machine.folder / "nothing")
    done = machine.run("comment-plan.sh", PLAN_TEXT=missing, PULL_REQUEST="12", IMAGE_TAG="c0ffee")
    assert done.status == 0
    assert not machine.calls


def test_a_comment_that_is_refused_is_a_failure(machine: Machine) -> None:
    plan = machine.folder / "plan.txt"
    plan.write_text("No changes.\n", encoding="utf-8")
    machine.stub({"gh pr comment": FAILS})
    assert machine.run("comment-plan.sh", PLAN_TEXT=str(plan), PULL_REQUEST="12", IMAGE_TAG="c0ffee").status != 0
