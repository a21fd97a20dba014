"""A Prometheus that scrapes servers on this machine.

The rules, the console and the scrape interval are the deployed ones in prometheus/. A list of targets replaces the
service discovery.
"""

import re
import shutil
import time
from collections.abc import Sequence
from http import HTTPStatus
from pathlib import Path

from local.errors import LocalError, MissingProgramError
from local.ports import LOOPBACK, http_status
from local.processes import Program
from local.servers.server import Server
from local.settings import ROOT
from local.waiting import Pause

DEPLOYED = ROOT / "prometheus"
DEFAULT_PORT = 9090

_PACE = re.compile(r"(scrape_interval|scrape_timeout|evaluation_interval): \d+s")
_DISCOVERY = re.compile(r"^( +)dns_sd_configs:\n(?:\1 .*\n)+", re.MULTILINE)


class PrometheusServer(Server):
    """One Prometheus. Stopped and started again, it still has its samples."""

    name = "Prometheus"
    folder_name = "prometheus"
    start_seconds = 30.0
    end_seconds = 10.0

    def __init__(
        self,
        home: Path,
        targets: Sequence[str],
        *,
        rules: Path = DEPLOYED / "rules",
        scrape_seconds: int | None = None,
        pause: Pause = time.sleep,
    ) -> None:
        """Plan a server that scrapes `targets`, each host:port. `port` may be changed before the start."""
        super().__init__(home, pause)
        self._targets = targets
        self._rules = rules
        self._scrape_seconds = scrape_seconds

    @property
    def url(self) -> str:
        """Where it answers, without a slash at the end."""
        return f"http://localhost:{self.port}"

    def answers(self) -> bool:
        return http_status(LOOPBACK, self.port, "/-/ready") == HTTPStatus.OK

    def page(self, name: str) -> str:
        """Return the URL of one of its pages, such as `alerts`: Debian's package keeps them elsewhere."""
        there = http_status(LOOPBACK, self.port, f"/{name}") == HTTPStatus.OK
        return f"{self.url}/{name}" if there else f"{self.url}/classic/{name}"

    def _program(self) -> Program:
        self.folder.mkdir(exist_ok=True)
        configuration = self.folder / "prometheus.yml"
        deployed = (DEPLOYED / "prometheus.yml").read_text(encoding="utf-8")
        configuration.write_text(render(deployed, self._targets, self._rules, self._scrape_seconds), encoding="utf-8")
        options = {
            "config.file": configuration,
            "storage.tsdb.path": self.folder / "samples",
            "web.listen-address": f"{LOOPBACK}:{self.port}",
            "web.console.templates": DEPLOYED / "consoles",
            "enable-feature": "exemplar-storage",
        }
        command = [program("prometheus"), *(f"--{name}={value}" for name, value in options.items())]
        return Program(self.name, command, log=self.log, folder=self.folder, end_seconds=self.end_seconds)


def render(deployed: str, targets: Sequence[str], rules: Path, scrape_seconds: int | None = None) -> str:
    """Return the deployed configuration with these targets instead of its service discovery.

    `scrape_seconds` replaces its intervals; None keeps them.

    Raises:
        LocalError: it has no service discovery, or more than one.
    """
    listed = ", ".join(f'"{target}"' for target in targets)
    rendered, count = _DISCOVERY.subn(rf"\1static_configs:\n\1  - targets: [{listed}]\n", deployed)
    if count != 1:
        raise LocalError(f"prometheus.yml has {count} sections dns_sd_configs, not one.")
    rendered = rendered.replace("- rules/*.yml", f"- {rules}/*.yml")
    return _PACE.sub(rf"\1: {scrape_seconds}s", rendered) if scrape_seconds else rendered


def program(name: str) -> str:
    """Return the path of `prometheus` or `promtool`.

    Raises:
        MissingProgramError: it is not there.
    """
    found = shutil.which(name)
    if found is None:
        raise MissingProgramError(
            f"{name} is missing: make observe-tools installs Debian's package; or brew install prometheus, or put the"
            " release on the PATH."
        )
    return found
