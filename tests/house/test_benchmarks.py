"""docs/benchmarks.md shows what its scripts print, and names experiments and workloads that exist."""

import re

import pytest

from tests.fixtures.servers import ROOT
from tests.load import capacity
from tests.load.__main__ import EXPERIMENTS
from tests.load.workloads import WORKLOADS

PAGE = (ROOT / "docs" / "benchmarks.md").read_text(encoding="utf-8")


def test_the_capacity_model_is_the_scripts(capsys: pytest.CaptureFixture[str]) -> None:
    capacity.main()
    assert capsys.readouterr().out.strip() in PAGE


@pytest.mark.parametrize("workload", WORKLOADS, ids=lambda workload: workload.name)
def test_each_workload_is_explained_and_measured(workload: object) -> None:
    name = getattr(workload, "name", "")
    assert f"*{name}*" in PAGE
    assert f"| waitress | {name} |" in PAGE


def test_the_commands_name_experiments_that_exist() -> None:
    named = re.findall(r'make bench ONLY="(\w+)', PAGE)
    assert named
    assert set(named) <= set(EXPERIMENTS)
