"""The package, built once, and two environments with it: without extras and with all of them."""

from pathlib import Path

import pytest

from tests.package.environments import ADAPTER, Environment, build, create

TEN_LINES = """
import sys
from chalice import Chalice

app = Chalice(app_name="ten-lines")


@app.route("/loaded")
def loaded():
    return {"path": sys.path, "files": [getattr(each, "__file__", None) for each in list(sys.modules.values())]}
"""

EXTRAS = "cognito,granian,poll,redis,secrets,uvicorn"


def with_extras(wheel: Path) -> str:
    """Return the requirement of the wheel with every extra."""
    return f"chalice-fargate[{EXTRAS}] @ {wheel.as_uri()}"


@pytest.fixture(scope="session")
def distributions(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder with the sdist and the wheel."""
    folder = tmp_path_factory.mktemp("dist")
    build(ADAPTER, folder)
    return folder


@pytest.fixture(scope="session")
def wheel(distributions: Path) -> Path:
    (found,) = distributions.glob("*.whl")
    return found


@pytest.fixture(scope="session")
def plain(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Environment:
    """An environment with the wheel alone."""
    return create(tmp_path_factory.mktemp("plain"), str(wheel))


@pytest.fixture(scope="session")
def complete(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Environment:
    """An environment with the wheel and every extra."""
    return create(tmp_path_factory.mktemp("complete"), with_extras(wheel))


@pytest.fixture(scope="session")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with an app of ten lines."""
    folder = tmp_path_factory.mktemp("project")
    (folder / "app.py").write_text(TEN_LINES, encoding="utf-8")
    return folder
