"""The package on every Python of this machine, with the newest and with the oldest libraries that it allows."""

import shutil
import subprocess
import sys
from pathlib import Path

import httpx
import pytest

from tests.package.conftest import with_extras
from tests.package.environments import Environment, create, served, uv

pytestmark = [pytest.mark.infra, pytest.mark.timeout(600)]

PYTHONS = ("3.11", "3.12", "3.13", "3.14")
SERVERS = ("waitress", "uvicorn", "granian")


def interpreter(version: str) -> str:
    """Return an interpreter of this machine, or skip the test."""
    places = [shutil.which(f"python{version}"), *Path.home().glob(f".pyenv/versions/{version}.*/bin/python{version}")]
    for place in filter(None, places):
        if subprocess.run([place, "--version"], capture_output=True).returncode == 0:
            return str(place)
    pytest.skip(f"no Python {version} on this machine")


def assert_it_serves(environment: Environment, project: Path) -> None:
    checked = environment.run("python", "-m", "pip", "check", at=project)
    assert checked.returncode == 0, checked.stdout
    for server in SERVERS:
        with served(environment, project, server) as url:
            assert httpx.get(f"{url}/loaded").status_code == 200


@pytest.mark.parametrize("version", PYTHONS)
def test_it_serves_with_the_newest_libraries(version: str, wheel: Path, project: Path, tmp_path: Path) -> None:
    assert_it_serves(create(tmp_path, with_extras(wheel), python=interpreter(version), choice=()), project)


def test_it_serves_with_the_oldest_libraries_that_its_metadata_allow(
    wheel: Path, project: Path, tmp_path: Path
) -> None:
    """On the oldest Python: many of those releases have no wheel for a newer one."""
    oldest = ("--resolution", "lowest-direct")
    assert_it_serves(create(tmp_path, with_extras(wheel), python=interpreter(PYTHONS[0]), choice=oldest), project)


@pytest.mark.parametrize("version", PYTHONS)
def test_all_that_it_needs_has_a_wheel(version: str, wheel: Path, tmp_path: Path) -> None:
    uv(
        *("pip", "install", "--dry-run", "--target", tmp_path, "--only-binary", ":all:"),
        *("--python-version", version, "--python-platform", "x86_64-manylinux_2_28", with_extras(wheel)),
    )


def test_an_index_accepts_the_metadata_and_shows_the_readme(distributions: Path) -> None:
    files = sorted(distributions.iterdir())
    checked = subprocess.run(
        [sys.executable, "-m", "twine", "check", "--strict", *files], capture_output=True, text=True, timeout=60
    )
    assert checked.returncode == 0, checked.stdout
