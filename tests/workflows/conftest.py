"""A machine for the scripts; all of these tests belong to `make test-infra`."""

from pathlib import Path

import pytest

from tests.workflows.stubs import Machine

HERE = Path(__file__).parent


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark what stands in this folder."""
    for item in items:
        if item.path.is_relative_to(HERE):
            item.add_marker(pytest.mark.infra)


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    """A runner of GitHub's with stubs in place of the programs that reach out."""
    return Machine(tmp_path / "machine")
