"""The picture of the infrastructure agrees with the code, and the examples with the variables."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
TREE = ROOT / "terraform"


def found(pattern: str, *files: Path) -> set[str]:
    return {each for file in files for each in re.findall(pattern, file.read_text(encoding="utf-8"), re.MULTILINE)}


MODULES = found(r'^module "(\w+)"', *TREE.glob("*.tf"))
VARIABLES = found(r'^variable "(\w+)"', *TREE.glob("*.tf"))


def test_every_module_is_in_the_picture_and_its_drawing() -> None:
    assert len(MODULES) >= 10
    drawn = found(r"^\s+(\w+) \[label=", ROOT / "docs" / "architecture.dot") | {"network"}
    assert drawn >= MODULES
    assert found(r"<title>(\w+)</title>", ROOT / "docs" / "architecture.svg") | {"network"} >= MODULES


def test_the_complete_example_names_every_variable_and_no_other() -> None:
    assert found(r"^(\w+) +=", TREE / "terraform.tfvars.example") == VARIABLES


@pytest.mark.parametrize("environment", ["dev", "prod", "trial"])
def test_an_environment_names_variables_that_exist(environment: str) -> None:
    assert found(r"^(\w+) +=", TREE / "examples" / f"{environment}.tfvars") <= VARIABLES


@pytest.mark.parametrize("file", ["app.tf", "database_login.tf", "migration.tf"])
def test_terraform_sets_only_settings_that_the_page_lists(file: str) -> None:
    given = found(r"(?:^ +|\{ )([A-Z][A-Z_]+) += ", TREE / file)
    assert given
    assert given <= found(r"`([A-Z][A-Z_]+)`", ROOT / "docs" / "settings.md")
