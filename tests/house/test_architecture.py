"""docs/architecture.md agrees with the code, its picture with Terraform, and the examples with the variables."""

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.fixtures.servers import passed_on

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


@pytest.fixture
def entered(redis_url: str, database_url: str) -> dict[str, list[str]]:
    """The files that each request enters, in order."""
    environ = {**passed_on(), "REDIS_URL": redis_url, "DATABASE_URL": database_url, "API_KEYS": "none"}
    command = [sys.executable, "-m", "tests.house.follow"]
    ran = subprocess.run(command, cwd=ROOT, env=environ, capture_output=True, text=True, timeout=60, check=True)
    return json.loads(ran.stderr.splitlines()[-1])


@pytest.mark.parametrize(
    ("heading", "request_name"),
    [
        ("`GET /product/1` with waitress", "GET"),
        ("`GET /product/1` with uvicorn", "fast GET"),
        ("`POST /data`", "POST"),
    ],
)
def test_a_request_enters_the_files_that_the_page_lists_in_their_order(
    entered: dict[str, list[str]], heading: str, request_name: str
) -> None:
    page = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")
    table = page.partition(f"### {heading}\n")[2].partition("\n#")[0]
    rows = [row for row in table.splitlines() if row.startswith("| `")]
    listed = [file for row in rows for file in re.findall(r"`([\w/.]+\.py)`", row.split("|")[1])]
    assert len(listed) > 10
    assert listed == [file for file in entered[request_name] if file in listed]
