"""The adapter's wheel, and the command that writes the files for an image with it."""

import subprocess
import sys
from pathlib import Path

import pytest

from tests.fixtures.servers import ROOT, passed_on


@pytest.fixture(scope="package")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The adapter's wheel."""
    folder = tmp_path_factory.mktemp("dist")
    command = [sys.executable, "-m", "hatchling", "build", "--target", "wheel", "--directory", folder]
    subprocess.run(command, cwd=ROOT / "fargate", check=True, capture_output=True, timeout=120)
    return next(folder.glob("*.whl"))


def write(project: Path, *arguments: str | Path) -> None:
    """Write the files for the Python of the tests' base."""
    subprocess.run(
        [sys.executable, "-m", "fargate", "dockerfile", "--python", "3.13", "--force", *arguments],
        cwd=project,
        env={**passed_on(), "PYTHONPATH": str(ROOT)},
        check=True,
        capture_output=True,
        timeout=60,
    )
