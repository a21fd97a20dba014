"""The Dockerfiles' text: hadolint accepts it, and bases and CAs come from the right place."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

from fargate.settings import Server
from tests.fixtures.tools import beside
from tests.image.stand_ins import ALERTMANAGER, PROMETHEUS, PYTHON, ROOT, StandIn

SHOP, WATCH = ROOT / "fargate" / "Dockerfile", ROOT / "prometheus" / "Dockerfile"
BOTH = pytest.mark.parametrize("file", [SHOP, WATCH], ids=["shop", "prometheus"])

BAD = """\
FROM python:latest
RUN cd /tmp && pip install waitress
CMD python -m fargate
"""


def default_of(argument: str, file: Path) -> str:
    """Return the default of a build argument."""
    (value,) = re.findall(rf"^ARG {argument}=(\S+)$", file.read_text(), re.MULTILINE)
    return str(value)


def instructions(file: Path) -> list[str]:
    """Return a Dockerfile's instructions, each on one line, without comments."""
    lines = [line for line in file.read_text().splitlines() if not line.startswith("#")]
    return [line.strip() for line in "\n".join(lines).replace("\\\n", " ").splitlines() if line.strip()]


def hadolint(file: Path) -> "subprocess.CompletedProcess[str]":
    found = beside(sys.executable, "hadolint", "make test-infra does that")
    return subprocess.run([found, file], capture_output=True, text=True, timeout=60)


@pytest.mark.infra
@BOTH
def test_hadolint_finds_nothing(file: Path) -> None:
    done = hadolint(file)
    assert (done.returncode, done.stdout) == (0, "")


@pytest.mark.infra
def test_hadolint_finds_errors(tmp_path: Path) -> None:
    bad = tmp_path / "Dockerfile"
    bad.write_text(BAD)
    done = hadolint(bad)
    assert done.returncode != 0
    assert {"DL3007", "DL3003", "DL3013", "DL3025"} <= set(re.findall(r"DL\d{4}", done.stdout))


@pytest.mark.parametrize(
    ("file", "bases"),
    [(SHOP, {"BASE": PYTHON}), (WATCH, {"BASE": PYTHON, "PROMETHEUS": PROMETHEUS, "ALERTMANAGER": ALERTMANAGER})],
    ids=["shop", "prometheus"],
)
def test_the_base_of_every_stage_is_a_build_argument(file: Path, bases: dict[str, StandIn]) -> None:
    for argument, base in bases.items():
        assert default_of(argument, file) == base.image
        assert not default_of(argument, file).endswith(":latest")
    stages = [line.split() for line in instructions(file) if line.startswith("FROM ")]
    assert {stage[1] for stage in stages} == {f"${{{argument}}}" for argument in bases}
    assert stages[-1] == ["FROM", "${BASE}"]


@BOTH
def test_no_frontend_is_fetched_to_read_it(file: Path) -> None:
    assert not re.search(r"^# *(syntax|escape)=", file.read_text(), re.MULTILINE)


@BOTH
def test_it_takes_the_commit_last_so_that_layers_are_found_again(file: Path) -> None:
    lines = instructions(file)
    after = lines[next(n for n, line in enumerate(lines) if line.startswith("ARG REVISION")) :]
    assert not [line for line in after if line.startswith(("RUN", "COPY", "ADD"))]


@BOTH
def test_it_ends_as_a_user_by_number_and_in_exec_form(file: Path) -> None:
    lines = instructions(file)
    assert re.fullmatch(r"USER [1-9]\d*:[1-9]\d*", [line for line in lines if line.startswith("USER ")][-1])
    for line in lines:
        if line.startswith(("CMD", "ENTRYPOINT")):
            assert line.partition(" ")[2].startswith("["), line


def test_the_cas_come_from_amazon_itself_over_https() -> None:
    assert default_of("RDS_CA_BUNDLE", SHOP) == "https://truststore.pki.rds.amazonaws.com/global/global-bundle.pem"


def test_every_server_that_can_be_chosen_is_installed_by_its_lock() -> None:
    (install,) = [line for line in instructions(SHOP) if "--requirement /requirements/requirements.txt" in line]
    locks = set(re.findall(r"/requirements/(\S+)", install))
    extras = {f"requirements-{server}.txt" for server in Server if server is not Server.WAITRESS}
    assert locks == {"requirements.txt", *extras}
    assert "--require-hashes" in install
    assert "--only-binary :all:" in install
    for lock in locks:
        assert (ROOT / lock).exists()
