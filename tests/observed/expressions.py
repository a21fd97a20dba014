"""The PromQL of the rules, the console and the dashboard, and the metrics that it names."""

import json
import re
from typing import Any

import yaml

from local.servers.prometheus import DEPLOYED

RULES = sorted((DEPLOYED / "rules").glob("*.yml"))
TESTS = sorted((DEPLOYED / "tests").glob("*.yml"))
CONSOLE = DEPLOYED / "consoles" / "shop.html"
DASHBOARD = DEPLOYED / "dashboards" / "shop.json"

_AGGREGATIONS = {"avg", "count", "max", "min", "sum"}
_WORDS = {"and", "bool", "by", "ignoring", "offset", "on", "or", "unless", "without"}
_CONSTANT = re.compile(r"""const (\w+) = ('[^']*'|"[^"]*");""")
_ASKED = re.compile(r"""\b(?:expr|of|limits): ('[^']*'|"[^"]*")""")


def rules() -> list[dict[str, Any]]:
    """Return every recording and alert rule."""
    return [rule for file in RULES for group in _yaml(file)["groups"] for rule in group["rules"]]


def alerts() -> dict[str, dict[str, Any]]:
    """Return the alert rules by name."""
    return {rule["alert"]: rule for rule in rules() if "alert" in rule}


def recorded() -> set[str]:
    """Return the names of the recording rules."""
    return {rule["record"] for rule in rules() if "record" in rule}


def rule_tests() -> list[dict[str, Any]]:
    """Return promtool's tests of the alerts."""
    return [case for file in TESTS for test in _yaml(file)["tests"] for case in test.get("alert_rule_test", ())]


def of_rules() -> list[str]:
    """Return the rules' expressions."""
    return [rule["expr"] for rule in rules()]


def of_console() -> list[str]:
    """Return the console's expressions with its constants inserted."""
    source = CONSOLE.read_text(encoding="utf-8")
    for name, value in _CONSTANT.findall(source):
        source = source.replace(f"' + {name} + '", value[1:-1])
    return [asked[1:-1] for asked in _ASKED.findall(source)]


def of_dashboard() -> list[str]:
    """Return the dashboard's expressions."""
    panels = json.loads(DASHBOARD.read_text(encoding="utf-8"))["panels"]
    return [target["expr"] for panel in panels for target in panel["targets"]]


def metrics_in(expression: str) -> set[str]:
    """Return the metrics that an expression names."""
    rest = re.sub(r'"[^"]*"', "", expression)
    rest = re.sub(r"\{[^}]*\}|\[[^\]]*\]", "", rest)
    rest = re.sub(r"\b(by|without|on|ignoring)\s*\([^)]*\)", "", rest)
    names: set[str] = set(re.findall(r"(?<![\w:.])[a-z_][\w:]*+(?!\s*\()", rest, re.IGNORECASE))
    return names - _AGGREGATIONS - _WORDS


def _yaml(file: Any) -> dict[str, Any]:
    document: dict[str, Any] = yaml.safe_load(file.read_text(encoding="utf-8"))
    return document
