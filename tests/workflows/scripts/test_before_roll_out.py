"""The apply before the migration contains all that the migration's task needs, and no service (by Terraform's plan)."""

import json

import pytest

from tests.fixtures.tools import required_tools
from tests.infra.terraform import find_terraform, scratch_tree
from tests.workflows.tree import ROOT, SCRIPTS

PROVED = "what_the_migration_needs"


@pytest.fixture(scope="module")
def plan(tmp_path_factory: pytest.TempPathFactory) -> dict[str, set[str]]:
    """The resources and outputs of that plan, with the mocked provider of terraform/tests."""
    with required_tools():
        terraform = find_terraform(tmp_path_factory.mktemp("providers"))
    root = scratch_tree(tmp_path_factory.mktemp("tree"))
    tests = root / "tests" / "root.tftest.hcl"
    played = tests.read_text(encoding="utf-8").partition('\nrun "')[0]
    run = (
        f'run "{PROVED}" {{\n  command = plan\n  plan_options {{\n    target = [{", ".join(_addresses())}]\n  }}\n}}\n'
    )
    tests.write_text(f"{played}\n{run}", encoding="utf-8")
    return _planned(terraform.folder(root).run("test", "-json", "-verbose"))


def _addresses() -> list[str]:
    text = (ROOT / SCRIPTS / "before-roll-out.txt").read_text(encoding="utf-8")
    return [line for line in text.splitlines() if line and not line.startswith("#")]


def _planned(events: str) -> dict[str, set[str]]:
    (plan,) = (event["test_plan"] for event in map(json.loads, events.splitlines()) if event["type"] == "test_plan")
    resources = {
        f"{each['module_address']}: {each['type']}" for each in plan["resource_changes"] if "module_address" in each
    }
    return {"resources": resources, "outputs": set(plan["output_changes"])}


@pytest.mark.parametrize(
    "needed",
    [
        "module.migration: aws_ecs_task_definition",
        "module.migration: aws_iam_role_policy",
        "module.app: aws_iam_role_policy",
        "module.app: aws_vpc_security_group_egress_rule",
        "module.cluster: aws_ecs_cluster",
        "module.database: aws_db_instance",
        "module.database: aws_vpc_security_group_ingress_rule",
        "module.network: aws_nat_gateway",
        "module.network: aws_route",
        "module.network: aws_vpc_endpoint",
        "module.observability: aws_cloudwatch_log_group",
    ],
)
def test_all_that_the_task_needs_is_planned(needed: str, plan: dict[str, set[str]]) -> None:
    assert needed in plan["resources"]


def test_no_service_is_touched(plan: dict[str, set[str]]) -> None:
    touched = {each for each in plan["resources"] if each.endswith((": aws_ecs_service", ": aws_lb_listener"))}
    assert not touched
    assert "module.app: aws_ecs_task_definition" not in plan["resources"], (
        "nothing of the service's tasks is changed yet"
    )
    assert not {each for each in plan["resources"] if each.startswith("module.prometheus:")}


def test_the_outputs_that_the_script_reads_are_known(plan: dict[str, set[str]]) -> None:
    read = {
        "cluster_name",
        "migration_task_definition_arn",
        "task_subnet_ids",
        "task_public_ip",
        "task_security_group_id",
    }
    script = (ROOT / SCRIPTS / "migrate.sh").read_text(encoding="utf-8")
    assert all(name in script for name in read)
    assert read <= plan["outputs"]
