"""A pull request shows the plan of its merge. One from a fork does not: forks get no secrets."""

from pathlib import Path

import pytest

from tests.workflows.runner import Run
from tests.workflows.scripts.test_deployment_scripts import CHECKS, TF, prometheus_tag
from tests.workflows.stubs import Answer, Answers, Machine
from tests.workflows.tree import Tree

PULL_REQUEST = {
    "github.repository": "example/shop",
    "github.event.pull_request.head.repo.full_name": "example/shop",
    "github.event.pull_request.user.login": "contributor",
    "github.event.pull_request.head.sha": "c0ffee",
    "github.event.pull_request.number": "12",
    "github.token": "test",
    "secrets.TERRAFORM_CLOUD_TOKEN": "test",
}
PLANS: Answers = {**CHECKS, f"{TF} plan": "Plan: 1 to add, 0 to change, 0 to destroy.\n", "gh pr comment": ""}


def plan(machine: Machine, answers: Answers, **values: str) -> Run:
    machine.stub({**PLANS, **answers})
    given = {**PULL_REQUEST, "github.workspace": str(machine.folder)}
    given |= {f"github.event.pull_request.{name.replace('__', '.')}": value for name, value in values.items()}
    return Run(Tree(), machine).job("ci.yml", "plan", given)


def test_the_plan_is_shown_on_the_pull_request_and_nothing_is_applied(machine: Machine) -> None:
    run = plan(machine, {})
    assert run.failed is None, run.failed
    plan_words = machine.call(f"{TF} plan").words
    assert {"-var=image_tag=c0ffee", f"-var=prometheus_image_tag={prometheus_tag(machine)}"} <= set(plan_words)
    comment = Path(machine.call("gh pr comment 12").option("--body-file"))
    assert "Plan: 1 to add" in comment.read_text(encoding="utf-8")
    assert not machine.called(f"{TF} apply")


def test_a_plan_that_fails_is_shown_too(machine: Machine) -> None:
    run = plan(machine, {f"{TF} plan": Answer("Error: no\n", 1)})
    assert run.failed is not None
    comment = Path(machine.call("gh pr comment 12").option("--body-file"))
    assert "Error: no" in comment.read_text(encoding="utf-8")


@pytest.mark.parametrize("values", [{"head__repo__full_name": "stranger/shop"}, {"user__login": "dependabot[bot]"}])
def test_without_secrets_there_is_no_plan(values: dict[str, str], machine: Machine) -> None:
    run = plan(machine, {}, **values)
    assert run.failed is None
    assert not machine.calls
