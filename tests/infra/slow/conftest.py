"""Each example, applied to an emulated AWS of its own, from which the tests read."""

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
    """The module's environment and an empty account for it."""
    name: str = request.module.ENVIRONMENT
    folder = tmp_path_factory.mktemp(name)
    with emulated(folder) as cloud:
        yield Environment(name, terraform, cloud, folder)


@pytest.fixture(scope="module")
def applied(environment: Environment) -> Environment:
    """The environment after its apply."""
    environment.apply()
    return environment


@pytest.fixture(scope="module")
def account(applied: Environment) -> Account:
    """The account with the applied environment."""
    return Account(applied.cloud, applied.full_name)
