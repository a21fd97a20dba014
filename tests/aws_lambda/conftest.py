"""The Lambda package, made once per session, and the function that runs from it."""

from collections.abc import Callable
from importlib import metadata

import pytest

from tests.aws_lambda.function import Sandbox
from tests.aws_lambda.packaged import HERE, NotPackagedError, Package, build_runtime, package
from tests.fixtures.tools import give_up


@pytest.fixture(scope="session")
def packaged(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Package]:
    """Returns a stage's package, made at first use. `dev` is for this machine's architecture."""
    folder = tmp_path_factory.mktemp("lambda")
    made: dict[str, Package] = {}

    def of(stage: str) -> Package:
        if stage not in made:
            try:
                made[stage] = package(stage, folder, HERE if stage == "dev" else None)
            except NotPackagedError as error:
                give_up(f"the package cannot be made here: {error}")
        return made[stage]

    return of


@pytest.fixture(scope="session")
def sandbox(packaged: Callable[[str], Package], tmp_path_factory: pytest.TempPathFactory) -> Sandbox:
    """The unpacked package, and the libraries of AWS's runtime."""
    folder = tmp_path_factory.mktemp("sandbox")
    try:
        runtime = build_runtime(folder / "runtime")
    except metadata.PackageNotFoundError as missing:
        give_up(f"AWS's runtime client is for Linux: {missing}")
    return Sandbox(packaged("dev").unpack(folder / "task"), runtime)
