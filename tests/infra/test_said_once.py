"""A failed command is reported once, in few lines; each test that depends on it is skipped with one line."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.infra.terraform import FIRST_LINES, LAST_LINES, ROOT, Terraform, TerraformError

PLAN = 5000
"""Lines of a long plan."""

STUB = f"""\
#!/bin/sh
for line in $(seq {PLAN}); do echo "plan line $line"; done
echo 'Error: InvalidPermission.Duplicate' >&2
for line in $(seq {PLAN}); do echo "and more of it $line" >&2; done
exit 1
"""

TESTS = """\
import pytest

from tests.infra.test_said_once import failing_terraform
from tests.fixtures.said_once import pytest_runtest_makereport


@pytest.fixture(scope="module")
def applied(tmp_path_factory):
    failing_terraform(tmp_path_factory.mktemp("stub")).run("apply")


@pytest.fixture(scope="module")
def account(applied):
    return applied


@pytest.mark.parametrize("number", range(20))
def test_asks(number, account):
    pass


def test_does_not_ask():
    pass


def test_fails_for_itself():
    assert not "a reason of its own"
"""


def failing_terraform(folder: Path):  # type: ignore[no-untyped-def]
    program = folder / "terraform"
    program.write_text(STUB)
    program.chmod(0o755)
    return Terraform(program, folder, folder).at(folder)


def test_a_failure_shows_its_errors_and_names_the_file_with_the_rest(tmp_path: Path) -> None:
    with pytest.raises(TerraformError) as failed:
        failing_terraform(tmp_path).run("apply", "-auto-approve")
    lines = str(failed.value).splitlines()
    assert len(lines) <= FIRST_LINES + LAST_LINES + 10
    assert f"plan line {PLAN}" in lines
    assert "Error: InvalidPermission.Duplicate" in lines
    named = re.fullmatch(r"terraform apply -auto-approve: exit status 1, all of it in (\S+)", lines[0])
    assert named
    assert len(Path(named[1]).read_text().split("\n")) > 2 * PLAN


@pytest.fixture(scope="module")
def said(tmp_path_factory: pytest.TempPathFactory) -> "subprocess.CompletedProcess[str]":
    """Pytest's output for twenty tests that use a fixture whose apply fails."""
    path = tmp_path_factory.mktemp("run") / "test_applied.py"
    path.write_text(TESTS)
    conftest = path.with_name("conftest.py")
    conftest.write_text("from tests.fixtures.said_once import pytest_runtest_makereport\n")
    options = ["-ra", "-p", "no:cacheprovider", f"--rootdir={path.parent}", f"--basetemp={path.parent / 'tmp'}"]
    command = [sys.executable, "-m", "pytest", *options, str(path)]
    environ = {**os.environ, "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"}
    return subprocess.run(command, cwd=ROOT, env=environ, capture_output=True, text=True, timeout=110)


def test_one_test_reports_it_and_the_others_are_skipped_in_a_line(
    said: "subprocess.CompletedProcess[str]",
) -> None:
    times = said.stdout.count("Error: InvalidPermission.Duplicate")
    assert times == 1 + ("CI" in os.environ)  # in CI pytest's summary repeats it in full
    assert re.search(
        r"SKIPPED \[19\] .*did not run: its set-up failed, see test_applied.py::test_asks\[0\]", said.stdout
    )
    assert len(said.stdout.splitlines()) < 300


def test_the_run_is_red_and_other_tests_are_judged_by_themselves(said: "subprocess.CompletedProcess[str]") -> None:
    assert said.returncode == 1
    assert "a reason of its own" in said.stdout
    assert re.search(r"1 failed, 1 passed, 19 skipped, 1 error", said.stdout)
