"""Prometheus' files are valid, agree with each other, and every alert is tested and explained."""

import re
import subprocess
from typing import Any

import pytest

from local.servers.prometheus import DEPLOYED, render
from tests.fixtures.servers import ROOT
from tests.observed.expressions import RULES, TESTS, alerts, metrics_in, rule_tests

RUNBOOK = (ROOT / "docs" / "runbook.md").read_text(encoding="utf-8")
HEARTBEAT = "Heartbeat"
"""It always fires; CloudWatch alarms when it does not arrive."""

ANCHORS = {
    re.sub(r"[^\w -]", "", line.strip("# ").lower()).replace(" ", "-")
    for line in RUNBOOK.splitlines()
    if line.startswith("#")
}


def checked(promtool: str, *arguments: object) -> str:
    """Run promtool; return its output."""
    ran = subprocess.run([promtool, *map(str, arguments)], capture_output=True, text=True, timeout=100, check=False)
    assert ran.returncode == 0, ran.stdout + ran.stderr
    return ran.stdout


def test_the_configuration_is_valid_and_finds_the_rules(promtool: str) -> None:
    assert f"{len(RULES)} rule files found" in checked(promtool, "check", "config", DEPLOYED / "prometheus.yml")


def test_the_rules_are_valid(promtool: str) -> None:
    checked(promtool, "check", "rules", *RULES)


@pytest.mark.infra  # they take half a minute
@pytest.mark.parametrize("file", TESTS, ids=lambda file: file.stem)
def test_the_rules_pass_their_tests(promtool: str, file: Any) -> None:
    checked(promtool, "test", "rules", file)


@pytest.mark.parametrize("name", alerts())
def test_every_alert_is_tested_firing_and_not_firing(name: str) -> None:
    cases = [bool(case.get("exp_alerts")) for case in rule_tests() if case["alertname"] == name]
    assert set(cases) == {True, False}


@pytest.mark.parametrize("name", alerts())
def test_every_alert_has_a_severity_a_description_and_a_runbook_section(name: str) -> None:
    rule = alerts()[name]
    assert rule["labels"]["severity"] in ({"heartbeat"} if name == HEARTBEAT else {"page", "ticket"})
    assert rule["annotations"]["summary"].endswith(".") or rule["annotations"]["summary"].endswith("503.")
    file, _, anchor = rule["annotations"]["runbook"].partition("#")
    assert file == "docs/runbook.md"
    assert anchor == name.lower()
    assert anchor in ANCHORS


def test_every_cloudwatch_alarm_has_a_section_in_the_runbook() -> None:
    files = sorted((ROOT / "terraform" / "modules" / "observability").glob("alarms_*.tf"))
    assert files
    named = {anchor for file in files for anchor in cloudwatch_anchors(file.read_text(encoding="utf-8"))}
    assert named
    assert named <= ANCHORS


def cloudwatch_anchors(source: str) -> set[str]:
    """Return the runbook sections that alarms name; a name with a table's key stands for one section per key."""
    keys = re.findall(r"^ {4}(\w+) = \{\n? +metric ", source, re.MULTILINE)
    keys += [
        word.lower()
        for listed in re.findall(r'setproduct\([^\[]*\[("[^\]]*")\]', source)
        for word in re.findall(r'"(\w+)"', listed)
    ]
    anchors = re.findall(r"runbook\}#([a-z0-9-]+)(\$\{)?", source)
    return {name + key for name, more in anchors for key in (keys if more else [""])}


def test_locally_only_the_service_discovery_differs() -> None:
    deployed = (DEPLOYED / "prometheus.yml").read_text(encoding="utf-8")
    local = render(deployed, ["localhost:3000"], DEPLOYED / "rules")
    gone = [line for line in deployed.splitlines() if line not in local.splitlines()]
    come = [line for line in local.splitlines() if line not in deployed.splitlines()]
    assert [line.strip() for line in come] == [
        f"- {DEPLOYED / 'rules'}/*.yml",
        "static_configs:",
        '- targets: ["localhost:3000"]',
    ]
    assert gone[0].strip() == "- rules/*.yml"
    assert gone[1].strip() == "dns_sd_configs:"
    assert all(line.startswith("      ") for line in gone[2:])


@pytest.mark.parametrize(
    ("expression", "metrics"),
    [
        ("up == 0", {"up"}),
        ('sum by (job, le) (rate(a_bucket{x=~"b|c",le="0.1"}[5m])) > 14.4 * 0.001', {"a_bucket"}),
        ("job:a:rate5m unless on (job) (min by (job) (min_over_time(b[5m])) == 0)", {"job:a:rate5m", "b"}),
        ("time() - a or vector(0) and sum(b offset 1h)", {"a", "b"}),
    ],
)
def test_the_metrics_of_an_expression_are_recognised(expression: str, metrics: set[str]) -> None:
    assert metrics_in(expression) == metrics
