"""The doors, opened once for the session."""

from collections.abc import Iterator

import pytest

from tests.contract.doors import Doors


@pytest.fixture(scope="session")
def doors() -> Iterator[Doors]:
    opened = Doors()
    yield opened
    opened.close()
