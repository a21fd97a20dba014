"""The policy scan finds nothing: an exception is a comment at the resource, and says why."""

import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.fixtures.tools import give_up
from tests.infra.terraform import ROOT, TREE, scratch_tree

pytestmark = [pytest.mark.infra, pytest.mark.timeout(300)]

OWN = ROOT / ".cache" / "checkov" / "bin" / "checkov"
"""Where `make test-infra` installs it, apart: its requirements conflict with ours."""


@pytest.fixture(scope="module")
def checkov() -> Path:
    """The scanner."""
    named = os.environ.get("CHECKOV") or (str(OWN) if OWN.exists() else shutil.which("checkov"))
    return (
        Path(named) if named else give_up(f"no checkov: neither CHECKOV, nor {OWN.relative_to(ROOT)}, nor on the PATH")
    )


def scan(checkov: Path, folder: Path) -> "subprocess.CompletedProcess[str]":
    command: list[str | Path] = [
        checkov,
        "-d",
        folder,
        "--framework",
        "terraform",
        "--compact",
        "--quiet",
        "--skip-download",
    ]
    return subprocess.run(command, capture_output=True, text=True, timeout=240)


def test_the_scan_finds_nothing(checkov: Path, tmp_path: Path) -> None:
    said = scan(checkov, scratch_tree(tmp_path))
    assert said.returncode == 0, said.stdout + said.stderr
    passed = re.search(r"Passed checks: (\d+), Failed checks: 0", said.stdout)
    assert passed, said.stdout
    assert int(passed[1]) > 100, "it looked at nearly nothing"


def test_the_scan_would_find_something(checkov: Path, tmp_path: Path) -> None:
    (tmp_path / "open.tf").write_text('resource "aws_ecr_repository" "open" {\n  name = "open"\n}\n')
    assert scan(checkov, tmp_path).returncode == 1


def test_every_exception_says_why() -> None:
    for path in TREE.rglob("*.tf"):
        for skip in re.findall(r"checkov:skip=.*", path.read_text(encoding="utf-8")):
            assert re.fullmatch(r"checkov:skip=CKV2?_AWS_\d+: ?\S.{15,}", skip), (path, skip)
