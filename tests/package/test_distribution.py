"""What is in the sdist and in the wheel, and what their metadata say."""

import re
import subprocess
import tarfile
import tomllib
import zipfile
from email.parser import Parser
from pathlib import Path, PurePosixPath

import pytest

import fargate
from fargate.requirements import EXTRAS, REQUIRED
from tests.fixtures.servers import ROOT
from tests.package.environments import ADAPTER, build

NOT_INSTALLED = {"Dockerfile", "LICENSE", "README.md", "pyproject.toml"}
"""Files of the folder that are for the shop's image or for the build."""

METADATA = tomllib.loads((ADAPTER / "pyproject.toml").read_text(encoding="utf-8"))["project"]


def names_in(wheel: Path) -> set[str]:
    with zipfile.ZipFile(wheel) as archive:
        return set(archive.namelist())


def package_files() -> set[str]:
    listed = subprocess.run(["git", "ls-files", "fargate"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    return {path for path in listed.splitlines() if PurePosixPath(path).name not in NOT_INSTALLED}


def test_the_wheel_holds_every_file_of_the_package_and_no_other(wheel: Path) -> None:
    names, package = names_in(wheel), package_files()
    about = {name for name in names if ".dist-info/" in name}
    assert names - about == package
    assert "fargate/py.typed" in package
    described = {PurePosixPath(name).name for name in about}
    assert described == {"METADATA", "WHEEL", "RECORD", "entry_points.txt", "LICENSE"}


def test_the_sdist_builds_the_very_same_wheel(distributions: Path, wheel: Path, tmp_path: Path) -> None:
    (sdist,) = distributions.glob("*.tar.gz")
    with tarfile.open(sdist) as archive:
        archive.extractall(tmp_path, filter="data")
    (unpacked,) = tmp_path.iterdir()
    sources = {f"fargate/{path.relative_to(unpacked)}" for path in unpacked.rglob("*") if path.is_file()}
    about = {f"fargate/{name}" for name in (".gitignore", "LICENSE", "PKG-INFO", "README.md", "pyproject.toml")}
    assert sources == package_files() | about
    build(unpacked, tmp_path / "again")
    assert (tmp_path / "again" / wheel.name).read_bytes() == wheel.read_bytes()
    assert (tmp_path / "again" / sdist.name).read_bytes() == sdist.read_bytes()


def test_the_metadata_say_what_an_index_shows(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        (name,) = [name for name in archive.namelist() if name.endswith("METADATA")]
        said = Parser().parsestr(archive.read(name).decode())
    assert (said["Name"], said["Version"]) == ("chalice-fargate", fargate.__version__)
    assert (said["License-Expression"], said["Requires-Python"]) == ("MIT", ">=3.11")
    assert said["Description-Content-Type"] == "text/markdown"
    assert said.get_payload() == (ADAPTER / "README.md").read_text(encoding="utf-8")
    assert set(said.get_all("Provides-Extra", ())) == set(EXTRAS)


def test_the_start_refuses_what_the_metadata_exclude() -> None:
    assert METADATA["dependencies"] == list(REQUIRED)
    assert METADATA["optional-dependencies"] == {extra: list(lines) for extra, lines in EXTRAS.items()}


@pytest.mark.parametrize("pattern", [r"requirements-\w+\.", r"\.\./", r"(?<![/\w])(?:docs|tests)/", "`make "])
def test_no_file_names_what_only_this_repository_has(pattern: str) -> None:
    texts = {path: path.read_text(encoding="utf-8") for path in (*ADAPTER.rglob("*.py"), ADAPTER / "README.md")}
    assert not [(path.name, found) for path, text in texts.items() for found in re.findall(f".*{pattern}.*", text)]
