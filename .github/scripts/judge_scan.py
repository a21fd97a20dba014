"""Decide from the scanner's findings whether an image may be deployed; if not, print why and exit with status 1.

A finding of the blocking severity or worse stops the deployment, unless an unexpired waiver names it. An image in which
the scanner found no packages counts as not scanned.
"""

import argparse
import json
import re
import sys
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

SEVERITIES = ("unknown", "negligible", "low", "medium", "high", "critical")
"""The scanner's severities, the worst last."""

SHOWN = 50
"""Rows of the summary's table."""


class NotJudgedError(Exception):
    """A report or a waiver is malformed; the message is for the person who deploys."""


@dataclass(frozen=True, slots=True)
class Finding:
    """A vulnerability of a package."""

    id: str
    severity: str
    package: str
    fixed_in: str

    def at_least(self, severity: str) -> bool:
        """Return whether this finding is of that severity or worse."""
        return SEVERITIES.index(self.severity) >= SEVERITIES.index(severity)


@dataclass(frozen=True, slots=True)
class Waiver:
    """A finding that does not stop the deployment of an image, up to and including its last day."""

    image: str
    id: str
    last_day: date
    reason: str


@dataclass(frozen=True, slots=True)
class Verdict:
    """The findings that block, and the waivers that apply, have expired or have no finding."""

    blocking: tuple[Finding, ...]
    waived: dict[str, Waiver]
    expired: dict[str, Waiver]
    unused: tuple[Waiver, ...]


def judge(findings: Sequence[Finding], waivers: Sequence[Waiver], blocking: str, today: date) -> Verdict:
    """Compare the findings of an image with its waivers."""
    severe = [finding for finding in findings if finding.at_least(blocking)]
    longest = {waiver.id: waiver for waiver in sorted(waivers, key=lambda each: each.last_day)}
    matching = {finding.id: longest[finding.id] for finding in severe if finding.id in longest}
    waived = {name: waiver for name, waiver in matching.items() if today <= waiver.last_day}
    return Verdict(
        blocking=tuple(finding for finding in severe if finding.id not in waived),
        waived=waived,
        expired={name: waiver for name, waiver in matching.items() if name not in waived},
        unused=tuple(waiver for waiver in waivers if waiver.id not in matching),
    )


def findings_of(report: dict[str, Any]) -> list[Finding]:
    """Return the findings of a grype report without duplicates, the worst first.

    Raises:
        NotJudgedError: the report is malformed.
    """
    try:
        found = {_finding(match) for match in report["matches"]}
    except (KeyError, TypeError) as fault:
        raise NotJudgedError(f"The scanner's report is malformed: {fault!r}") from fault
    return sorted(found, key=lambda each: (-SEVERITIES.index(each.severity), each.id, each.package))


def _finding(match: dict[str, Any]) -> Finding:
    vulnerability, package = match["vulnerability"], match["artifact"]
    severity = (vulnerability["severity"] or "unknown").lower()
    if severity not in SEVERITIES:
        raise NotJudgedError(f"The scanner calls {vulnerability['id']} {severity}, an unknown severity")
    return Finding(
        id=vulnerability["id"],
        severity=severity,
        package=f"{package['name']} {package['version']}",
        fixed_in=", ".join(vulnerability["fix"]["versions"] or ()),
    )


def waivers_of(text: str, image: str) -> list[Waiver]:
    """Return an image's waivers.

    Raises:
        NotJudgedError: a line, of any image, is not IMAGE FINDING LAST-DAY REASON.
    """
    lines = ((number, line.strip()) for number, line in enumerate(text.splitlines(), 1))
    waivers = [_waiver(number, line) for number, line in lines if line and not line.startswith("#")]
    return [waiver for waiver in waivers if waiver.image == image]


def _waiver(number: int, line: str) -> Waiver:
    words = line.split(maxsplit=3)
    try:
        image, name, last_day, reason = words
        if not re.fullmatch(r"[A-Z]+-\S+", name):
            raise ValueError(name)
        return Waiver(image, name, date.fromisoformat(last_day), reason)
    except ValueError as fault:
        raise NotJudgedError(
            f"Line {number} of the waivers is not an image, a finding, a last day (2026-12-31) and a reason: {line}"
        ) from fault


def complaint(where: str, blocking: str, verdict: Verdict) -> str:
    """Return why the image must not be deployed."""
    packages: dict[str, list[str]] = {}
    for finding in verdict.blocking:
        packages.setdefault(finding.id, []).append(finding.package)
    named = ", ".join(f"{name} in {' and '.join(each)}" for name, each in packages.items())
    worse = "" if blocking == SEVERITIES[-1] else " or worse"
    sentences = [f"{where} must not be deployed. Findings that are {blocking}{worse}: {named}."]
    sentences += [f"The waiver of {name} ended on {each.last_day}." for name, each in verdict.expired.items()]
    return " ".join([*sentences, "Update the packages, or waive the findings in .github/scan-waivers.txt."])


def summary(where: str, packages: int, findings: Sequence[Finding], verdict: Verdict) -> Iterator[str]:
    """Yield the lines of the run's summary, in Markdown."""
    counts = Counter(finding.severity for finding in findings)
    total = ", ".join(f"{counts[severity]} {severity}" for severity in reversed(SEVERITIES) if counts[severity])
    yield f"### Scan of {where}: {'stopped' if verdict.blocking else 'passed'}"
    yield ""
    yield f"{packages} packages; {total or 'no findings'}."
    yield ""
    blocking = set(verdict.blocking)
    shown = [each for each in findings if each in blocking or each.id in verdict.waived or each.at_least("high")]
    if shown:
        yield "| finding | severity | package | fixed in | effect |"
        yield "| ------- | -------- | ------- | -------- | ------ |"
        for each in shown[:SHOWN]:
            effect = _effect(each, each in blocking, verdict)
            yield f"| {each.id} | {each.severity} | {each.package} | {each.fixed_in or '-'} | {effect} |"
        yield ""
        if len(shown) > SHOWN:
            yield f"And {len(shown) - SHOWN} more.\n"
    yield from (f"{sentence}\n" for sentence in _unused(verdict.unused))


def _effect(finding: Finding, blocks: bool, verdict: Verdict) -> str:
    if finding.id in verdict.expired:
        return f"**stops the deployment**: its waiver ended on {verdict.expired[finding.id].last_day}"
    if blocks:
        return "**stops the deployment**"
    if waiver := verdict.waived.get(finding.id):
        return f"waived until {waiver.last_day}: {waiver.reason}".replace("|", "\\|")
    return "reported"


def _unused(waivers: Iterable[Waiver]) -> Iterator[str]:
    yield from (f"The waiver of {each.id} until {each.last_day} has no finding: remove it." for each in waivers)


def _read(path: Path) -> dict[str, Any]:
    try:
        document: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as fault:
        raise NotJudgedError(f"The scanner's report cannot be read: {fault}") from fault
    return document


def main(arguments: Sequence[str]) -> str:
    """Write the summary; return why the image must not be deployed, or an empty string.

    Raises:
        NotJudgedError: a report or a waiver is malformed, so the image must not be deployed either.
    """
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--blocking", choices=["CRITICAL", "HIGH"], required=True)
    for name in ("image", "architecture"):
        parser.add_argument(f"--{name}", required=True)
    for name in ("findings", "packages", "waivers", "summary"):
        parser.add_argument(f"--{name}", type=Path, required=True)
    given = parser.parse_args(arguments)
    where, blocking = f"{given.image} ({given.architecture})", given.blocking.lower()
    packages = len(_read(given.packages).get("components") or ())
    if not packages:
        raise NotJudgedError(f"The scanner found no packages in {where}: it does not support this image")
    findings = findings_of(_read(given.findings))
    waivers = waivers_of(given.waivers.read_text(encoding="utf-8"), given.image)
    verdict = judge(findings, waivers, blocking, datetime.now(UTC).date())
    lines = list(summary(where, packages, findings, verdict))
    with given.summary.open("a", encoding="utf-8") as file:
        file.writelines(f"{line}\n" for line in lines)
    sys.stdout.writelines(f"{line}\n" for line in lines)
    sys.stdout.writelines(f"::warning::{sentence}\n" for sentence in _unused(verdict.unused))
    return complaint(where, blocking, verdict) if verdict.blocking else ""


if __name__ == "__main__":
    try:
        why_not = main(sys.argv[1:])
    except NotJudgedError as error:
        why_not = str(error)
    if why_not:
        sys.stdout.write(f"::error::{why_not}\n")
    sys.exit(bool(why_not))
