"""Terraform, found once; where it cannot be had, these tests say why and are skipped - but not in CI."""

import os
from pathlib import Path
from typing import NoReturn

import pytest

from tests.infra.terraform import MissingTerraformError, Terraform, find_terraform

SLOW = Path(__file__).with_name("slow")


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "infra: applies to an emulated AWS, for minutes (make test-infra)")


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    """Leave out the slow tests, unless they are asked for: by their marker, or by their path."""
    asked = "infra" in config.getoption("markexpr") or any("infra/slow" in argument for argument in config.args)
    return True if collection_path == SLOW and not asked else None


@pytest.fixture(scope="session")
def terraform(tmp_path_factory: pytest.TempPathFactory) -> Terraform:
    """The program and its provider."""
    try:
        return find_terraform(tmp_path_factory.mktemp("providers"))
    except MissingTerraformError as missing:
        give_up(str(missing))


def give_up(reason: str) -> NoReturn:
    """Skip for want of a tool; in CI that is a failure, for there every tool has its place."""
    if os.environ.get("CI", "").lower() in ("1", "true"):
        pytest.fail(f"not skipped in CI: {reason}")
    pytest.skip(reason)
