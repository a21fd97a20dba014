"""A workspace belongs to one environment: a plan with another environment's names fails."""

import shutil
from pathlib import Path

import pytest

from tests.infra.terraform import TREE, Folder, Terraform, TerraformError

pytestmark = pytest.mark.infra

GIVEN = {
    "env": "dev",
    "team": "shop",
    "image_tag": "0123abc",
    "prometheus_image_tag": "tree-0123abc",
    "certificate_arn": "arn:aws:acm:eu-west-1:123456789012:certificate/x",
    "sns_topic": "arn:aws:sns:eu-west-1:123456789012:on-call",
    "zone_id": "Z1",
    "domain_name": "shop.example.com",
    "prometheus_domain_name": "prometheus.shop.example.com",
    "prometheus_web_config_secret_arn": "arn:aws:secretsmanager:eu-west-1:123456789012:secret:web",
    "prometheus_allowed_cidrs": '["203.0.113.0/24"]',
}
NAMED = """\
resource "terraform_data" "repository" { input = var.env }
resource "terraform_data" "other" {}
"""


@pytest.fixture(scope="module")
def variables(terraform: Terraform, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A tree with only the root's variables and something named after the environment: it needs no AWS."""
    folder = tmp_path_factory.mktemp("variables")
    for file in TREE.glob("variables*.tf"):
        shutil.copy(file, folder)
    (folder / "main.tf").write_text(NAMED, encoding="utf-8")
    terraform.folder(folder)
    return folder


def plan(terraform: Terraform, variables: Path, workspace: str) -> str:
    """Plan as `deploy-initial-infra` does: a part, by its address."""
    folder: Folder = terraform.at(variables, {"TF_WORKSPACE": workspace})
    given = [f"-var={name}={value}" for name, value in GIVEN.items()]
    return folder.run("plan", "-input=false", "-target=terraform_data.repository", *given)


@pytest.mark.parametrize("workspace", ["chalice-app-dev", "shop-dev", "default"])
def test_a_workspace_of_the_environment_is_planned_in_and_so_is_one_without_a_name(
    workspace: str, terraform: Terraform, variables: Path
) -> None:
    assert "1 to add" in plan(terraform, variables, workspace)


@pytest.mark.parametrize("workspace", ["chalice-app-prod", "chalice-app-qadev", "dev-chalice-app"])
def test_the_workspace_of_another_environment_is_refused_before_anything_is_planned(
    workspace: str, terraform: Terraform, variables: Path
) -> None:
    with pytest.raises(TerraformError) as refused:
        plan(terraform, variables, workspace)
    said = " ".join(str(refused.value).split())
    assert f"env is dev, but the workspace is {workspace}: its name must end with -dev." in said
