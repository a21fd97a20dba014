"""A Prometheus that scrapes servers on this machine: the deployed configuration, but for where it finds them.

The rules, the console and the scrape interval are those in prometheus/; only the service discovery gives way to a list.
"""

import contextlib
import http.client
import re
import shutil
import signal
import time
from collections.abc import Sequence
from pathlib import Path

from local.errors import LocalError, MissingProgramError
from local.ports import LOOPBACK, free_port
from local.processes import Child, Program, require_ready
from local.servers.stale import end_leftover
from local.settings import ROOT
from local.waiting import Pause

DEPLOYED = ROOT / "prometheus"
DEFAULT_PORT = 9090
START_SECONDS = 30.0
STOP_SECONDS = 10.0

_PACE = re.compile(r"(scrape_interval|scrape_timeout|evaluation_interval): \d+s")
_DISCOVERY = re.compile(r"^( +)dns_sd_configs:\n(?:\1 .*\n)+", re.MULTILINE)


class PrometheusServer:
    """One server; what it has stored is there again at its next start."""

    def __init__(
        self,
        home: Path,
        targets: Sequence[str],
        *,
        rules: Path = DEPLOYED / "rules",
        scrape_seconds: int | None = None,
        pause: Pause = time.sleep,
    ) -> None:
        """Plan a server whose samples, configuration and log live in `home`; nothing is started yet.

        `targets` are what it scrapes, as host:port. Its own port is a free one; change it before the start.
        """
        self.home = home.resolve()
        self.folder = self.home / "prometheus"
        self.log = self.home / "prometheus.log"
        self.port = free_port()
        self.child: Child | None = None
        self._targets = targets
        self._rules = rules
        self._scrape_seconds = scrape_seconds
        self._pid_file = self.home / "prometheus.pid"
        self._pause = pause

    @property
    def url(self) -> str:
        """Where it answers, without a slash at the end."""
        return f"http://localhost:{self.port}"

    def end_leftover(self) -> int | None:
        """End a server that an earlier run left here; return its process id, None: there was none."""
        return end_leftover(self._pid_file, self.folder, signal.SIGTERM, STOP_SECONDS, self._pause)

    def start(self) -> Child:
        """Start it, and return it once it answers.

        Raises:
            LocalError: it cannot be started here; the message says why.
        """
        self.folder.mkdir(parents=True, exist_ok=True)
        self.end_leftover()
        configuration = self.folder / "prometheus.yml"
        deployed = (DEPLOYED / "prometheus.yml").read_text(encoding="utf-8")
        configuration.write_text(render(deployed, self._targets, self._rules, self._scrape_seconds), encoding="utf-8")
        self.child = Child(self._program(configuration))
        self._pid_file.write_text(str(self.child.pid))
        with contextlib.ExitStack() as undo:
            undo.callback(self.stop)
            require_ready(self.child, self.answers, START_SECONDS, self._pause)
            undo.pop_all()
        return self.child

    def stop(self) -> None:
        """End it; nothing where it is not running."""
        if self.child is not None:
            self.child.end()

    def answers(self) -> bool:
        """Say whether it answers queries now."""
        return self._has("/-/ready")

    def page(self, name: str) -> str:
        """Return the URL of one of its pages, such as `alerts`: Debian's package keeps them elsewhere."""
        return f"{self.url}/{name}" if self._has(f"/{name}") else f"{self.url}/classic/{name}"

    def _has(self, path: str) -> bool:
        connection = http.client.HTTPConnection(LOOPBACK, self.port, timeout=5)
        try:
            connection.request("GET", path)
            return connection.getresponse().status == http.HTTPStatus.OK
        except (OSError, http.client.HTTPException):
            return False
        finally:
            connection.close()

    def _program(self, configuration: Path) -> Program:
        options = {
            "config.file": configuration,
            "storage.tsdb.path": self.folder / "samples",
            "web.listen-address": f"{LOOPBACK}:{self.port}",
            "web.console.templates": DEPLOYED / "consoles",
            "enable-feature": "exemplar-storage",
        }
        command = [program("prometheus"), *(f"--{name}={value}" for name, value in options.items())]
        return Program("Prometheus", command, log=self.log, folder=self.folder, end_seconds=STOP_SECONDS)


def render(deployed: str, targets: Sequence[str], rules: Path, scrape_seconds: int | None = None) -> str:
    """Return the deployed configuration with these targets instead of its service discovery.

    With `scrape_seconds` it scrapes and looks at its rules so often; without, as often as the deployed one.

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
