"""Every name in the workflows and their scripts exists, and the check finds each name that a test breaks."""

import pytest

from tests.workflows.names.walk import faults
from tests.workflows.tree import ROOT, Tree

BUILD, CI, DEPLOY, INFRA = (
    f".github/workflows/{name}.yml" for name in ("build-app", "ci", "deploy-app", "deploy-infra")
)
SCRIPTS = ".github/scripts"

AGREED = set(faults(Tree()))


def test_workflows_scripts_terraform_and_the_tree_agree() -> None:
    assert not AGREED


@pytest.mark.parametrize(
    ("path", "old", "new"),
    [
        # the order and the names of jobs
        (DEPLOY, "  build-app-image:", "  build-image:"),
        (DEPLOY, "    needs: deploy-initial-infra\n", ""),
        (DEPLOY, "needs: build-app-image", "needs: deploy-initial-infra"),
        (DEPLOY, "      only: module.ecr\n", ""),
        # what one workflow hands to another
        (DEPLOY, "build-app.yml", "build.yml"),
        (DEPLOY, "      image-tag: ${{ github.sha }}\n", ""),
        (DEPLOY, "      only: module.ecr", "      target: module.ecr"),
        (DEPLOY, "      AWS_ACCESS_KEY_ID:", "      AWS_KEY_ID:"),
        (DEPLOY, "    secrets:\n      TERRAFORM_CLOUD_TOKEN: ${{ secrets.TERRAFORM_CLOUD_TOKEN }}\n", ""),
        (DEPLOY, "      id-token: write # for the role\n", ""),
        (INFRA, "      image-tag:\n", "      tag:\n"),
        (INFRA, "      TERRAFORM_CLOUD_TOKEN:\n", "      TERRAFORM_TOKEN:\n"),
        (INFRA, "inputs.aws-region", "inputs.region"),
        (BUILD, "      env:\n        description: Environment, the first part of every name.\n", "      env:\n"),
        # what steps hand to scripts
        (INFRA, "migrate.sh", "migration.sh"),
        (INFRA, "      IMAGE_TAG: ", "      TAG: "),
        (INFRA, "TF_TOKEN_app_terraform_io", "TF_TOKEN"),
        (BUILD, "          IMAGE_TAG: ", "          TAG: "),
        (f"{SCRIPTS}/folder-tag.sh", None, None),
        (f"{SCRIPTS}/apply.sh", "folder-tag.sh", "folders-tag.sh"),
        (f"{SCRIPTS}/smoke-test.sh", None, None),
        (f"{SCRIPTS}/scan-image.sh", "set -euo pipefail", "set -u"),
        # what scripts ask of Terraform
        ("terraform/variables.tf", 'variable "image_tag"', 'variable "tag"'),
        ("terraform/variables.tf", 'variable "prometheus_image_tag"', 'variable "prometheus_tag"'),
        ("terraform/variables.tf", 'variable "env"', 'variable "environment"'),
        ("terraform/outputs.tf", 'output "task_definition_arn"', 'output "task_definition"'),
        ("terraform/outputs.tf", 'output "migration_task_definition_arn"', 'output "migration"'),
        ("terraform/outputs.tf", 'output "url"', 'output "app_url"'),
        ("terraform/main.tf", 'module "ecr"', 'module "registry"'),
        ("terraform/main.tf", 'module "database"', 'module "rds"'),
        ("terraform/checks.tf", '"terraform_data" "preconditions"', '"terraform_data" "checks"'),
        ("terraform/database_login.tf", 'module "database_login"', 'module "login"'),
        ("terraform/migration.tf", 'module "migration"', 'module "migrate"'),
        (
            "terraform/modules/ecs_service/roles.tf",
            '"aws_iam_role_policy" "execution"',
            '"aws_iam_role_policy" "start"',
        ),
        (f"{SCRIPTS}/apply.sh", "-chdir=terraform", "-chdir=infra"),
        (f"{SCRIPTS}/plan.sh", ' -var="region=$AWS_REGION"', ""),
        (f"{SCRIPTS}/plan.sh", "prometheus_image_tag=", "prometheus_tag="),
        # repositories, images, services, the task that migrates
        (BUILD, "-prometheus", "-prom"),
        (BUILD, "fargate/Dockerfile", "Dockerfile"),
        ("terraform/modules/ecr/repositories.tf", "${var.name}-prometheus", "${var.name}/prometheus"),
        ("terraform/main.tf", "${var.env}-${var.service}", "${var.service}-${var.env}"),
        ("terraform/app.tf", "${var.image_tag}", "stable"),
        ("terraform/migration.tf", '"migration"\n    image', '"migrate"\n    image'),
        ("terraform/migration.tf", "${var.image_tag}", "stable"),
        ("terraform/migration.tf", "chalicelib.migrate", "chalicelib.migration"),
        (
            "terraform/modules/ecs_task/task_definition.tf",
            "= var.container.name\n        mode",
            "= var.name\n        mode",
        ),
        ("terraform/prometheus.tf", "${var.prometheus_image_tag}", "${var.image_tag}"),
        (BUILD, "tagged-by: folder", "tagged-by: commit"),
        (BUILD, "            runner: ubuntu-24.04-arm\n", "            runner: ubuntu-24.04\n"),
        (BUILD, "architecture: [amd64, arm64]", "architecture: [amd64]"),
        (BUILD, "outputs.prometheus-arm64 }}", "outputs.prometheus-amd64 }}"),
        (".github/scan-waivers.txt", "# Findings", "prom CVE-2026-1 2026-12-31 nothing\n# Findings"),
        ("terraform/app.tf", '= "app"\n    image', '= "web"\n    image'),
        ("terraform/main.tf", "${local.name}-prometheus", "${local.name}-metrics"),
        ("chalicelib/migrate.py", None, None),
        ("fargate/Dockerfile", "ARG REVISION", "ARG COMMIT"),
        ("fargate/Dockerfile", "ARG BASE=", "ARG PYTHON="),
        ("prometheus/Dockerfile", None, None),
        (f"{SCRIPTS}/smoke-test.sh", "/products?limit=1", "/items?limit=1"),
        # who may what
        ("terraform/modules/github_oidc/permissions.tf", '"ecs:RunTask"', '"ecs:StartTask"'),
        ("terraform/modules/github_oidc/permissions.tf", '      "ecr:PutImage",\n', ""),
        ("terraform/modules/github_oidc/permissions.tf", '      "ecr:BatchGetImage",\n', ""),
        ("terraform/modules/github_oidc/permissions.tf", '"-prometheus"', '"-prom"'),
        ("terraform/modules/github_oidc/variables.tf", '["main"]', '["master"]'),
        (DEPLOY, "branches: [main]", "branches: [master]"),
        (DEPLOY, "cancel-in-progress: false", "cancel-in-progress: true"),
        (DEPLOY, "group: deploy-app", "group: ${{ github.sha }}"),
        (BUILD, "permissions: {}", "permissions: write-all"),
        (CI, "  pull_request:", "  pull_request_target:"),
        (INFRA, "    environment: ${{ inputs.environment }}\n", ""),
        (INFRA, "    environment: ${{ inputs.environment }}\n", "    environment: prod\n"),
        (INFRA, "APPROVED_CHANGES: ${{ needs.plan.outputs.changes }}", "APPROVED: yes"),
        (INFRA, "    needs: plan\n", ""),
        (BUILD, "    runs-on: ", "    environment: dev\n    runs-on: "),
        (DEPLOY, "      environment: ${{ vars.DEPLOY_ENVIRONMENT }}\n", ""),
        (f"{SCRIPTS}/roll-back.sh", 'apply.sh" module.app', 'apply.sh"'),
        (f"{SCRIPTS}/find-running.sh", "container=app", "container=web"),
        ("terraform/outputs.tf", 'output "prometheus_task_definition_arn"', 'output "prometheus_definition_arn"'),
        ("terraform/modules/github_oidc/permissions.tf", '      "ecs:ListServiceDeployments",\n', ""),
        # versions and targets
        (BUILD, "@3d3c42e5aac5ba805825da76410c181273ba90b1 # v7.0.1", "@v7"),
        (BUILD, "@3d3c42e5aac5ba805825da76410c181273ba90b1 # v7.0.1", "@3d3c42e5aac5ba805825da76410c181273ba90b1"),
        (CI, "@3d3c42e5aac5ba805825da76410c181273ba90b1", "@de0fac2e4500dabe0009e67214ff5f5447ce83dd"),
        (CI, "terraform_version: 1.11.4", "terraform_version: 1.10.5"),
        ("terraform/versions.tf", ">= 1.11", ">= 1.12"),
        (CI, '["3.11", "3.13"]', '["3.13"]'),
        (CI, "make PYTHON=python test", "make PYTHON=python tests"),
        (DEPLOY, "vars.SERVICE || 'chalice-app'", "vars.SERVICE || 'shop'"),
        ("terraform/variables.tf", '"eu-west-1"', '"eu-west-2"'),
    ],
)
def test_a_broken_name_is_found(path: str, old: str | None, new: str | None) -> None:
    assert set(faults(Tree({path: broken(path, old, new)}))) - AGREED


def broken(path: str, old: str | None, new: str | None) -> str | None:
    """Return a file's text with a name replaced; None: the file is missing."""
    text = (ROOT / path).read_text(encoding="utf-8")
    if old is None or new is None:
        return None
    assert old in text, "there is nothing to break"
    return text.replace(old, new)
