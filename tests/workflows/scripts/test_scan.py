"""The scan in the runner: which findings stop a deployment, how waivers work and end, what the summary shows."""

import json
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from tests.workflows.stubs import FAILS, Answer, Done, Machine

GRYPE = "grype oci-dir:"
SOME_PACKAGES = {"components": [{"name": "busybox"}, {"name": "zlib"}]}
A_YEAR_ON = datetime.now(UTC).date() + timedelta(days=365)


def match(name: str, severity: str, package: str = "zlib", fixed_in: tuple[str, ...] = ()) -> dict[str, Any]:
    """Return a finding as grype reports it."""
    return {
        "vulnerability": {"id": name, "severity": severity, "fix": {"versions": list(fixed_in), "state": ""}},
        "artifact": {"name": package, "version": "1.2", "type": "deb"},
    }


def scanned(*matches: dict[str, Any], packages: Any = SOME_PACKAGES) -> Answer:
    """Return grype's report."""
    return Answer(files={"json=": json.dumps({"matches": matches}), "cyclonedx-json=": json.dumps(packages)})


def scan(machine: Machine, answer: Answer, *waivers: str, blocking: str = "CRITICAL") -> Done:
    machine.stub({GRYPE: answer})
    file = machine.folder / "waivers.txt"
    file.write_text("\n".join(["# image finding last-day reason", "", *waivers]), encoding="utf-8")
    environ = {"IMAGE": "app", "ARCHITECTURE": "arm64", "BLOCKING_SEVERITY": blocking, "WAIVERS": str(file)}
    return machine.run("scan-image.sh", **environ)


CRITICAL, HIGH, MEDIUM = match("CVE-2026-1", "Critical"), match("CVE-2026-2", "High"), match("CVE-2026-3", "Medium")


def test_the_image_is_scanned_where_it_was_built_and_for_its_processor(machine: Machine) -> None:
    assert scan(machine, scanned()).status == 0
    (call,) = machine.calls
    assert call.words[0] == f"oci-dir:{machine.folder}/image"
    assert call.option("--platform") == "linux/arm64"
    assert "--by-cve" in call.words


@pytest.mark.parametrize(
    ("matches", "blocking", "passes"),
    [
        ((), "HIGH", True),
        ((HIGH, MEDIUM), "CRITICAL", True),
        ((MEDIUM, match("CVE-2026-4", "Unknown"), match("CVE-2026-5", "Negligible")), "HIGH", True),
        ((HIGH,), "HIGH", False),
        ((MEDIUM, CRITICAL), "CRITICAL", False),
        ((CRITICAL,), "HIGH", False),
    ],
)
def test_the_findings_decide(matches: tuple[Any, ...], blocking: str, passes: bool, machine: Machine) -> None:
    done = scan(machine, scanned(*matches), blocking=blocking)
    assert (done.status == 0) is passes, done.output
    assert bool(done.error) is not passes


def test_the_error_names_the_finding_and_the_way_out(machine: Machine) -> None:
    done = scan(machine, scanned(CRITICAL, match("CVE-2026-1", "Critical", "minizip")))
    assert done.error.startswith("app (arm64) must not be deployed. Findings that are critical: ")
    assert "CVE-2026-1 in minizip 1.2 and zlib 1.2." in done.error
    assert ".github/scan-waivers.txt" in done.error


def test_the_summary_shows_the_findings_and_the_decision(machine: Machine) -> None:
    scan(machine, scanned(match("CVE-2026-1", "Critical", fixed_in=("1.3",)), HIGH, MEDIUM))
    summary = machine.text("summary")
    assert "### Scan of app (arm64): stopped" in summary
    assert "2 packages; 1 critical, 1 high, 1 medium." in summary
    assert "| CVE-2026-1 | critical | zlib 1.2 | 1.3 | **stops the deployment** |" in summary
    assert "| CVE-2026-2 | high | zlib 1.2 | - | reported |" in summary
    assert "CVE-2026-3" not in summary


# Waivers.


def test_a_waived_finding_does_not_stop_the_deployment_and_is_shown(machine: Machine) -> None:
    done = scan(machine, scanned(CRITICAL), f"app CVE-2026-1 {A_YEAR_ON} not called, see issue #18")
    assert done.status == 0, done.output
    assert f"waived until {A_YEAR_ON}: not called, see issue #18" in machine.text("summary")


@pytest.mark.parametrize(("days", "passes"), [(0, True), (-1, False)])
def test_a_waiver_is_valid_to_the_end_of_its_last_day(days: int, passes: bool, machine: Machine) -> None:
    last_day = datetime.now(UTC).date() + timedelta(days=days)
    done = scan(machine, scanned(CRITICAL), f"app CVE-2026-1 {last_day} a reason")
    assert (done.status == 0) is passes, done.output


def test_a_waiver_that_ended_says_so(machine: Machine) -> None:
    done = scan(machine, scanned(CRITICAL), "app CVE-2026-1 2026-01-31 a reason")
    assert done.status == 1
    assert "The waiver of CVE-2026-1 ended on 2026-01-31." in done.error
    assert "its waiver ended on 2026-01-31" in machine.text("summary")


def test_the_later_of_two_waivers_counts(machine: Machine) -> None:
    waivers = [f"app CVE-2026-1 {last_day} a reason" for last_day in (A_YEAR_ON, "2026-01-31")]
    assert scan(machine, scanned(CRITICAL), *waivers).status == 0


@pytest.mark.parametrize(
    "waiver", [f"prometheus CVE-2026-1 {A_YEAR_ON} a reason", f"app CVE-2026-9 {A_YEAR_ON} a reason"]
)
def test_a_waiver_is_for_one_finding_of_one_image(waiver: str, machine: Machine) -> None:
    assert scan(machine, scanned(CRITICAL), waiver).status == 1


@pytest.mark.parametrize("last_day", [A_YEAR_ON, date(2026, 1, 31)])
def test_a_waiver_that_finds_nothing_is_reported_and_stops_nothing(last_day: date, machine: Machine) -> None:
    done = scan(machine, scanned(HIGH), f"app CVE-2026-1 {last_day} a reason")
    assert done.status == 0, done.output
    sentence = f"The waiver of CVE-2026-1 until {last_day} has no finding: remove it."
    assert f"::warning::{sentence}" in done.output
    assert sentence in machine.text("summary")


@pytest.mark.parametrize(
    "line",
    [
        "app CVE-2026-1 2026-13-31 a reason",
        "app CVE-2026-1 2026-12-31",
        "app CVE-2026-1 a reason without a day",
        "app 2026-12-31 CVE-2026-1 a reason",
        "prometheus CVE-2026-1",  # also for the image that is not scanned now
    ],
)
def test_a_line_that_is_no_waiver_is_named(line: str, machine: Machine) -> None:
    done = scan(machine, scanned(), line)
    assert done.status == 1
    assert done.error.startswith("Line 3 of the waivers")
    assert line in done.error


# Scans that fail.


def test_a_scanner_that_fails_lets_nothing_pass(machine: Machine) -> None:
    done = scan(machine, FAILS)
    assert done.status == 1
    assert "The scan of app (arm64) failed" in done.error


@pytest.mark.parametrize("packages", [{}, {"components": None}, {"components": []}])
def test_an_image_without_packages_was_not_scanned(packages: Any, machine: Machine) -> None:
    done = scan(machine, scanned(packages=packages))
    assert done.status == 1
    assert "found no packages" in done.error


@pytest.mark.parametrize(
    "files",
    [
        {},
        {"json=": "{}", "cyclonedx-json=": json.dumps(SOME_PACKAGES)},
        {"json=": "not JSON", "cyclonedx-json=": json.dumps(SOME_PACKAGES)},
        {"json=": json.dumps({"matches": [match("CVE-1", "Dreadful")]}), "cyclonedx-json=": json.dumps(SOME_PACKAGES)},
    ],
)
def test_a_report_that_is_not_understood_lets_nothing_pass(files: dict[str, str], machine: Machine) -> None:
    done = scan(machine, Answer(files=files))
    assert done.status == 1
    assert done.error


def test_a_severity_that_is_not_known_lets_nothing_pass(machine: Machine) -> None:
    assert scan(machine, scanned(), blocking="NONE").status == 1
    assert not machine.calls


def test_the_waivers_of_this_repository_are_understood(machine: Machine) -> None:
    machine.stub({GRYPE: scanned()})
    done = machine.run("scan-image.sh", IMAGE="app", ARCHITECTURE="amd64", BLOCKING_SEVERITY="CRITICAL")
    assert done.status == 0, done.output
