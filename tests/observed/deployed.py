"""The programs of Prometheus' task, started by their entry points: Prometheus, discovery of tasks, Alertmanager."""

import contextlib
import re
import shutil
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import httpx

from local.ports import LOOPBACK, free_port, http_status
from local.processes import Program
from local.servers.prometheus import DEPLOYED
from tests.fixtures.servers import running
from tests.observed.api import Prometheus, write_hasty_rules


@dataclass(frozen=True, slots=True)
class Task:
    """A copy of prometheus/, and a folder with the programs under their names in the image."""

    home: Path
    deployed: Path
    programs: Path
    environ: Mapping[str, str] = field(default_factory=dict)

    @contextlib.contextmanager
    def prometheus(self, *, before: Sequence[str] = (), **settings: str) -> Iterator[Prometheus]:
        """Run Prometheus without a password; `before` are words put before the command."""
        port = free_port()
        # An alert that fires before Alertmanager is found is sent again: by default after a minute.
        options = [f"--web.listen-address={LOOPBACK}:{port}", "--rules.alert.resend-delay=1s"]
        command = [*before, "sh", str(self.deployed / "start"), *options]
        samples = self.home / f"samples-{port}"
        samples.mkdir()
        with self._running("Prometheus", command, port, STORAGE=str(samples), PROMETHEUS_WEB_CONFIG="{}", **settings):
            with httpx.Client(base_url=f"http://{LOOPBACK}:{port}", timeout=10) as client:
                yield Prometheus(client)

    @contextlib.contextmanager
    def discovery(self, **settings: str) -> Iterator[str]:
        """Run the discovery of tasks; yield the URL of its list."""
        port = free_port()
        command = [sys.executable, str(self.deployed / "discovery.py")]
        with self._running("the discovery", command, port, DISCOVERY_PORT=str(port), **settings):
            yield f"http://{LOOPBACK}:{port}/targets"

    @contextlib.contextmanager
    def alertmanager(self, **settings: str) -> Iterator[str]:
        """Run Alertmanager; yield its host:port."""
        port = free_port()
        own = {"ALERTMANAGER_PORT": str(port), "STORAGE": str(self.home / f"alertmanager-{port}")}
        with self._running("Alertmanager", ["sh", str(self.deployed / "start-alertmanager")], port, **own, **settings):
            yield f"{LOOPBACK}:{port}"

    @contextlib.contextmanager
    def _running(self, name: str, command: Sequence[str], port: int, **settings: str) -> Iterator[None]:
        environ = {**self.environ, "TMPDIR": str(self.home), "PATH": f"{self.programs}:/usr/bin:/bin", **settings}
        program = Program(name, command, log=self.home / f"log-{port}", environ=environ, folder=self.home)
        # The discovery of tasks has no such page: it answers 404 when it is ready.
        with running(program, lambda: http_status(LOOPBACK, port, "/-/ready") in (200, 404)):
            yield


def hasty_task(home: Path, environ: Mapping[str, str], programs: Mapping[str, str]) -> Task:
    """Return a task that scrapes, discovers, evaluates its rules, sends alerts and samples on, every second."""
    deployed, folder = home / "deployed", home / "bin"
    shutil.copytree(DEPLOYED, deployed)
    shutil.rmtree(deployed / "rules")
    write_hasty_rules(deployed / "rules")
    _rewrite(deployed / "prometheus.yml", r"(scrape_interval|scrape_timeout|evaluation_interval): \d+s", r"\1: 1s")
    _rewrite(deployed / "start", r"refresh_interval: \d+s", "refresh_interval: 1s")
    _rewrite(deployed / "start", r"( +)sigv4: .*", r"\g<0>\n\1queue_config: {batch_send_deadline: 1s}")
    _rewrite(deployed / "alertmanager" / "alertmanager.yml", r"group_wait: \w+", "group_wait: 0s")
    _rewrite(deployed / "alertmanager" / "alertmanager.yml", r"group_interval: \w+", "group_interval: 1s")
    folder.mkdir()
    for name, program in programs.items():
        (folder / name).symlink_to(program)
    return Task(home, deployed, folder, environ)


def _rewrite(file: Path, pattern: str, replacement: str) -> None:
    text, count = re.subn(pattern, replacement, file.read_text(encoding="utf-8"))
    assert count, f"{file.name} has no {pattern}"
    file.write_text(text, encoding="utf-8")
