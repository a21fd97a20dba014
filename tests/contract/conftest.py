"""The test clients, shared by the whole session."""

from collections.abc import Iterator

import pytest

from tests.contract.clients.client import Clients


@pytest.fixture(scope="session")
def clients() -> Iterator[Clients]:
    opened = Clients()
    yield opened
    opened.close()
