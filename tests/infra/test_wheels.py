"""Every locked package has a wheel for both processors: neither the images nor Lambda's package build any."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.fixtures.tools import beside, give_up

pytestmark = pytest.mark.infra

ROOT = Path(__file__).resolve().parents[2]
DOCKERFILE = (ROOT / "fargate" / "Dockerfile").read_text(encoding="utf-8")
PYTHON = re.search(r"^ARG BASE=python:(3\.\d+)", DOCKERFILE, re.MULTILINE)[1]  # type: ignore[index]
LOCKS = {
    "image": (*(ROOT / name for name in re.findall(r"--requirement /requirements/(\S+)", DOCKERFILE)),),
    "lambda": (ROOT / ".chalice" / "requirements.txt",),
    "prometheus": (*(ROOT / "prometheus").glob("requirements.txt"),),
}
"""The installed requirements: in the image, in Lambda's package, and in Prometheus' image."""

MACHINES = {"x86_64": 62, "aarch64": 183}
"""The processors, and the code of each in a compiled file (ELF)."""

SYSTEMS = {"image": "manylinux_2_28", "lambda": "manylinux2014", "prometheus": "manylinux_2_28"}
"""Older than the C library of Debian and of every runtime of Lambda."""


def install(locks: tuple[Path, ...], platform: str, into: Path, *options: str) -> "subprocess.CompletedProcess[str]":
    """Download the locked packages of a platform, check their hashes, and unpack them."""
    uv = beside(sys.executable, "uv", "make setup does that")
    exactly = ["--no-deps", "--require-hashes", "--only-binary", ":all:"]
    target = ["--target", str(into), "--python-version", PYTHON, "--python-platform", platform]
    requirements = [word for lock in locks for word in ("--requirement", str(lock))]
    return subprocess.run(
        [uv, "--quiet", "pip", "install", *exactly, *target, *requirements, *options],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=110,
    )


def installed(done: "subprocess.CompletedProcess[str]") -> bool:
    """Return whether it worked; skip the test if no package index can be reached."""
    if "Failed to fetch" in done.stdout:
        give_up(f"no index of packages can be reached: {done.stdout.splitlines()[-1].strip()}")
    return done.returncode == 0


def machines(folder: Path) -> set[int]:
    """Return the processors of the compiled files."""
    heads = (file.read_bytes()[:20] for file in folder.rglob("*.so"))
    return {int.from_bytes(head[18:20], "little") for head in heads if head[:4] == b"\x7fELF"}


@pytest.mark.parametrize("machine", MACHINES)
@pytest.mark.parametrize("home", [home for home, locks in LOCKS.items() if locks])
def test_every_locked_package_has_a_wheel_for_both_processors(home: str, machine: str, tmp_path: Path) -> None:
    assert all(lock.exists() for lock in LOCKS[home])
    done = install(LOCKS[home], f"{machine}-{SYSTEMS[home]}", tmp_path)
    assert installed(done), done.stdout
    found = machines(tmp_path)
    assert found <= {MACHINES[machine]}
    assert found or home == "prometheus"


def test_the_image_installs_the_requirements_checked_here() -> None:
    assert {lock.name for lock in LOCKS["image"]} >= {"requirements.txt", "requirements-granian.txt"}
    assert "--only-binary :all:" in DOCKERFILE


@pytest.mark.parametrize("package", ["six==1.17.0", "py2exe==0.14.0.0"])  # another hash; for Windows alone
def test_a_missing_wheel_is_found(package: str, tmp_path: Path) -> None:
    lock = tmp_path / "requirements.txt"
    lock.write_text(f"{package} --hash=sha256:{'0' * 64}\n", encoding="utf-8")
    assert not installed(install((lock,), "aarch64-manylinux2014", tmp_path / "target"))


def test_without_an_index_it_is_said_that_there_is_none(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CI", "true")
    monkeypatch.setenv("UV_HTTP_RETRIES", "0")
    nowhere = ["--no-cache", "--default-index", "http://127.0.0.1:9/simple"]
    done = install(LOCKS["lambda"], "aarch64-manylinux2014", tmp_path, *nowhere)
    with pytest.raises(pytest.fail.Exception, match="no index of packages can be reached"):
        installed(done)
