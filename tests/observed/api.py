"""The part of Prometheus' HTTP API that tests use."""

import contextlib
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx

from local.servers.prometheus import DEPLOYED, PrometheusServer
from local.waiting import wait_until
from tests.fixtures.stores import temporary_home

WAIT_SECONDS = 60.0


@dataclass(frozen=True, slots=True)
class Prometheus:
    """A Prometheus that scrapes a server of the tests."""

    client: httpx.Client

    def samples(self, expression: str) -> dict[frozenset[tuple[str, str]], float]:
        """Return an expression's current values by labels."""
        result = self._get("query", query=expression)["result"]
        return {frozenset(each["metric"].items()): float(each["value"][1]) for each in result}

    def has(self, expression: str) -> bool:
        """Return whether an expression has a value now."""
        return bool(self.samples(expression))

    def value(self, expression: str) -> float | None:
        """Return the single value of an expression; None if there is none, or it is NaN."""
        values = list(self.samples(expression).values())
        assert len(values) <= 1, f"{expression} has {len(values)} values"
        return values[0] if values and values[0] == values[0] else None

    def await_value(self, expression: str, wanted: float, within: float = 0.0) -> None:
        """Wait until an expression is `wanted`, plus or minus `within`."""

        def there() -> bool:
            value = self.value(expression)
            return value is not None and abs(value - wanted) <= within

        assert wait_until(there, WAIT_SECONDS), f"{expression} is {self.value(expression)}, not {wanted}"

    def targets(self) -> list[dict[str, Any]]:
        """Return its targets."""
        targets: list[dict[str, Any]] = self._get("targets")["activeTargets"]
        return targets

    def alerts(self) -> dict[str, dict[str, Any]]:
        """Return the alerts that are pending or firing, by name."""
        return {alert["labels"]["alertname"]: alert for alert in self._get("alerts")["alerts"]}

    def _get(self, what: str, **parameters: str) -> dict[str, Any]:
        answer = self.client.get(f"/api/v1/{what}", params=parameters)
        assert answer.status_code == 200, answer.text
        data: dict[str, Any] = answer.json()["data"]
        return data


@contextlib.contextmanager
def watching(port: int) -> Iterator[Prometheus]:
    """Run a Prometheus that scrapes the port every second, with the deployed rules at a fast pace."""
    with temporary_home() as home:
        rules = home / "rules"
        write_hasty_rules(rules)
        server = PrometheusServer(home, [f"127.0.0.1:{port}"], rules=rules, scrape_seconds=1)
        server.start()
        try:
            with httpx.Client(base_url=server.url, timeout=10) as client:
                yield Prometheus(client)
        finally:
            server.stop()


def write_hasty_rules(folder: Path) -> None:
    """Write the rules, evaluated every second, with each alert pending for only 3 s."""
    folder.mkdir()
    for rules in (DEPLOYED / "rules").glob("*.yml"):
        text = re.sub(r"^( +interval:) \w+$", r"\1 1s", rules.read_text(encoding="utf-8"), flags=re.MULTILINE)
        text = re.sub(r"^( +for:) \w+$", r"\1 3s", text, flags=re.MULTILINE)
        (folder / rules.name).write_text(text, encoding="utf-8")
