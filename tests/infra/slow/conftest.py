"""Both examples, each applied to an emulated AWS of its own; what a test reads there was really put there."""

from collections.abc import Iterator
from typing import Any

import pytest

from tests.infra.cloud import emulated
from tests.infra.environments import Environment
from tests.infra.questions import Account
from tests.infra.terraform import Terraform


def _apart(name: str) -> Any:
    """Let one worker have all tests of an environment: two of them wait for the emulator at the same time."""
    return pytest.param(name, marks=pytest.mark.xdist_group(name))


@pytest.fixture(scope="module", params=[_apart("prod"), _apart("dev")])
def environment(
    request: pytest.FixtureRequest, terraform: Terraform, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Environment]:
    """An environment, and an empty account that it will be applied to."""
    folder = tmp_path_factory.mktemp(request.param)
    with emulated(folder) as cloud:
        yield Environment(request.param, terraform, cloud, folder)


@pytest.fixture(scope="module")
def applied(environment: Environment) -> Environment:
    """The environment, wholly applied."""
    environment.apply()
    return environment


@pytest.fixture(scope="module")
def account(applied: Environment) -> Account:
    """The account that it was applied to."""
    return Account(applied.cloud, applied.full_name)
