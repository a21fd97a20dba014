"""Both examples, each applied to an emulated AWS of its own; what a test reads there was really put there."""

from collections.abc import Iterator

import pytest

from tests.infra.account.cloud import emulated
from tests.infra.account.questions import Account
from tests.infra.environments import Environment
from tests.infra.terraform import Terraform

pytest.register_assert_rewrite("tests.infra.slow.promises")


@pytest.fixture(scope="module")
def environment(
    request: pytest.FixtureRequest, terraform: Terraform, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Environment]:
    """The environment that the module names, and an empty account that it will be applied to."""
    name: str = request.module.ENVIRONMENT
    folder = tmp_path_factory.mktemp(name)
    with emulated(folder) as cloud:
        yield Environment(name, terraform, cloud, folder)


@pytest.fixture(scope="module")
def applied(environment: Environment) -> Environment:
    """The environment, wholly applied."""
    environment.apply()
    return environment


@pytest.fixture(scope="module")
def account(applied: Environment) -> Account:
    """The account that it was applied to."""
    return Account(applied.cloud, applied.full_name)
