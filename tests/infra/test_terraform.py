"""The tree is formatted and valid, and the tests of every module pass with a mocked provider."""

import re
from pathlib import Path

import pytest

from tests.infra.terraform import MODULES, TREE, Terraform, scratch_tree

pytestmark = [pytest.mark.infra, pytest.mark.timeout(600)]  # 15 s each, more on a busy machine

PROMISED = {
    "chalice_handlers",
    "network",
    "ecr",
    "ecs_cluster",
    "ecs_service",
    "ecs_task",
    "rds",
    "elasticache",
    "observability",
    "dns",
    "github_oidc",
    "efs",
    "secret",
}


@pytest.fixture(scope="module")
def tree(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return scratch_tree(tmp_path_factory.mktemp("tree"))


def test_every_module_that_was_promised_is_there() -> None:
    assert set(MODULES) == PROMISED


@pytest.mark.parametrize("name", ["root", *MODULES])
def test_its_tests_pass(name: str, terraform: Terraform, tree: Path) -> None:
    said = terraform.folder(tree if name == "root" else tree / "modules" / name).run("test")
    assert "0 failed" in said, said
    assert "Success! 0 passed" not in said, f"{name} has no tests"


@pytest.mark.parametrize("root", [".", "examples/handlers"])
def test_a_root_is_valid(root: str, terraform: Terraform, tree: Path) -> None:
    assert "Success" in terraform.folder(tree / root).run("validate")


@pytest.mark.parametrize("name", MODULES)
def test_module_explains_itself(name: str) -> None:
    module = TREE / "modules" / name
    readme = (module / "README.md").read_text(encoding="utf-8")
    assert f'source  = "./modules/{name}"' in readme or f"./modules/{name}" in readme, "no example of its use"
    assert "required_version" in (module / "versions.tf").read_text(encoding="utf-8")
    assert list((module / "tests").glob("*.tftest.hcl"))


@pytest.mark.parametrize("example", sorted((TREE / "examples").glob("*.tfvars")), ids=lambda path: path.stem)
def test_an_example_gives_every_variable_that_has_no_default(example: Path) -> None:
    text = "\n".join(file.read_text(encoding="utf-8") for file in TREE.glob("variables*.tf"))
    blocks = re.findall(r'^variable "(\w+)" {\n(.*?)^}', text, re.MULTILINE | re.DOTALL)
    needed = {name for name, block in blocks if not re.search(r"^  default\s*=", block, re.MULTILINE)}
    given = set(re.findall(r"^(\w+)\s*=", example.read_text(encoding="utf-8"), re.MULTILINE))
    assert len(needed) > 5
    assert needed <= given


def test_tree_is_formatted(terraform: Terraform) -> None:
    unformatted = terraform.at(TREE).run("fmt", "-check", "-recursive", accepted=(0, 3))
    assert not unformatted, f"terraform fmt -recursive terraform would rewrite:\n{unformatted}"


@pytest.mark.parametrize(
    ("resource", "accepted"),
    [
        ("aws_(?:security_group|vpc_security_group_[a-z]+_rule)", r"[a-zA-Z0-9. _\-:/()#,@\[\]+=&;{}!$*]*"),
        ("aws_wafv2_web_acl", r"[\w+=:#@/\-,. ]*"),
    ],
)
def test_aws_accepts_the_descriptions_that_the_provider_does_not_check(resource: str, accepted: str) -> None:
    text = "\n".join(file.read_text(encoding="utf-8") for file in TREE.rglob("*.tf"))
    blocks = re.findall(rf'^resource "{resource}" "\w+" {{\n(.*?)^}}', text, re.MULTILINE | re.DOTALL)
    lines = [line for block in blocks for line in re.findall(r"^  description +=(.+)", block, re.MULTILINE)]
    assert lines
    for line in lines:
        for description in re.findall('"([^"]*)"', line):
            assert re.fullmatch(accepted, re.sub(r"\${[^}]*}", "", description), re.ASCII), description
