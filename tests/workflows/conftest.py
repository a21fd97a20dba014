"""A machine for the scripts, and how a tool that cannot be had is spoken of."""

import os
from pathlib import Path
from typing import NoReturn

import pytest

from tests.workflows.stubs import Machine


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    """A runner of GitHub's with stubs in place of the programs that reach out."""
    return Machine(tmp_path / "machine")


def give_up(reason: str) -> NoReturn:
    """Skip for want of a tool; in CI that is a failure, for there every tool has its place."""
    if os.environ.get("CI", "").lower() in ("1", "true"):
        pytest.fail(f"not skipped in CI: {reason}")
    pytest.skip(reason)
