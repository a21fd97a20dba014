"""Terraform, found once; where it cannot be had, these tests say why and are skipped - but not in CI."""

import pytest

from tests.fixtures.tools import give_up
from tests.infra.terraform import MissingTerraformError, Terraform, find_terraform


@pytest.fixture(scope="session")
def terraform(tmp_path_factory: pytest.TempPathFactory) -> Terraform:
    """The program and its provider."""
    try:
        return find_terraform(tmp_path_factory.mktemp("providers"))
    except MissingTerraformError as missing:
        give_up(str(missing))
