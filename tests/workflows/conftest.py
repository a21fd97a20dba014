"""A machine for the scripts. All tests in this folder belong to `make test-infra`."""

from pathlib import Path

import pytest

from tests.workflows.stubs import Machine

HERE = Path(__file__).parent


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark the tests of this folder."""
    for item in items:
        if item.path.is_relative_to(HERE):
            item.add_marker(pytest.mark.infra)


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    """A runner with stubs in place of the programs that use the network."""
    return Machine(tmp_path / "machine")
