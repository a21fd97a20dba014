"""Terraform, found once. Without it these tests are skipped, but fail in CI."""

import pytest

from tests.fixtures.tools import required_tools
from tests.infra.terraform import Terraform, find_terraform


@pytest.fixture(scope="session")
def terraform(tmp_path_factory: pytest.TempPathFactory) -> Terraform:
    """The program and its provider."""
    with required_tools():
        return find_terraform(tmp_path_factory.mktemp("providers"))
