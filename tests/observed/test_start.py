"""The container's entry point: it requires passwords, reads the targets' name from a variable, and leaves no secret."""

import queue
import re
import stat
import subprocess
import threading
from collections.abc import Iterator, Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import httpx
import pytest
import yaml

from local.ports import LOOPBACK, free_port, http_status
from local.processes import Program
from local.servers.prometheus import DEPLOYED
from local.waiting import wait_until
from tests.fixtures.servers import running
from tests.fixtures.stores import temporary_home
from tests.observed.deployed import hasty_task
from tests.observed.expressions import RULES

USER, PASSWORD = "oncall", "of-the-tests"
WEB_CONFIG = "basic_auth_users:\n  oncall: $2b$04$abcdefghijklmnopqrstuu8m01/OKKeqe.KVCwALriSagTRDKwHHe"
READY_SECONDS = 30.0


@pytest.fixture
def home() -> Iterator[Path]:
    with temporary_home() as home:
        (home / "samples").mkdir()
        (home / "writable").mkdir()
        yield home


def environ_of(home: Path, prometheus_program: str, **settings: str) -> dict[str, str]:
    path = f"{Path(prometheus_program).parent}:/usr/bin:/bin"
    return {"PATH": path, "TMPDIR": str(home / "writable"), "STORAGE": str(home / "samples"), **settings}


def test_it_requires_the_password_and_scrapes_the_given_name(home: Path, prometheus_program: str) -> None:
    port = free_port()
    environ = environ_of(
        home,
        prometheus_program,
        PROMETHEUS_WEB_CONFIG=WEB_CONFIG,
        TARGET_DNS_NAME="app.prod-shop.internal",
        WEB_EXTERNAL_URL="https://prometheus.example.com/",
        RETENTION="3d",
    )
    command = ["sh", str(DEPLOYED / "start"), f"--web.listen-address={LOOPBACK}:{port}"]
    url = f"http://{LOOPBACK}:{port}"
    prometheus = Program("Prometheus", command, log=home / "log", environ=environ, folder=home)
    with running(prometheus, lambda: http_status(LOOPBACK, port, "/-/ready") is not None) as child:
        assert http_status(LOOPBACK, port, "/-/healthy") == 401
        with httpx.Client(base_url=url, auth=(USER, PASSWORD), timeout=10) as client:
            assert wait_until(lambda: client.get("/-/ready").status_code == 200, READY_SECONDS)
            configuration = client.get("/api/v1/status/config").json()["data"]["yaml"]
            assert "- app.prod-shop.internal" in configuration
            assert "app.dev-chalice-app.internal" not in configuration
            files = {group["file"] for group in client.get("/api/v1/rules").json()["data"]["groups"]}
            assert {Path(file).name for file in files} == {file.name for file in RULES}
            flags = client.get("/api/v1/status/flags").json()["data"]
            assert flags["storage.tsdb.retention.time"] == "3d"
            assert flags["web.external-url"] == "https://prometheus.example.com/"
            assert client.get("/consoles/shop.html").status_code == 200
        (rendered,) = (home / "writable").glob("start.*/web.yml")
        assert stat.S_IMODE(rendered.stat().st_mode) == 0o600
        assert stat.S_IMODE(rendered.parent.stat().st_mode) == 0o700
        passed_on = Path(f"/proc/{child.pid}/environ")
        assert not passed_on.exists() or b"basic_auth_users" not in passed_on.read_bytes()


def test_where_only_the_samples_can_be_written_it_renders_there_and_cleans_up_after_the_last_start(
    home: Path, prometheus_program: str
) -> None:
    (home / "writable").rmdir()
    (home / "samples" / "start.abcdef").mkdir()
    environ = environ_of(home, prometheus_program, PROMETHEUS_WEB_CONFIG=WEB_CONFIG)
    ran = subprocess.run(
        ["sh", DEPLOYED / "start", "--version"], env=environ, capture_output=True, text=True, timeout=30, check=True
    )
    assert "prometheus, version" in ran.stdout + ran.stderr
    (rendered,) = (home / "samples").glob("start.*")
    assert rendered.name != "start.abcdef"
    assert (rendered / "prometheus.yml").read_bytes() == (DEPLOYED / "prometheus.yml").read_bytes()


@pytest.mark.parametrize(
    ("settings", "sentence"),
    [
        ({}, "PROMETHEUS_WEB_CONFIG is missing"),
        ({"PROMETHEUS_WEB_CONFIG": WEB_CONFIG, "TARGET_DNS_NAME": "a/b"}, "TARGET_DNS_NAME is 'a/b', not a host name"),
        (
            {"PROMETHEUS_WEB_CONFIG": WEB_CONFIG, "TARGETS_URL": "http://a/b", "TARGET_DNS_NAME": "a"},
            "TARGETS_URL and TARGET_DNS_NAME are both set",
        ),
        (
            {"PROMETHEUS_WEB_CONFIG": WEB_CONFIG, "TARGETS_URL": "http://a/b c"},
            "TARGETS_URL is 'http://a/b c', not a URL",
        ),
        (
            {"PROMETHEUS_WEB_CONFIG": WEB_CONFIG, "ALERTMANAGER": "http://a"},
            "ALERTMANAGER is 'http://a', not host:port",
        ),
        ({"PROMETHEUS_WEB_CONFIG": WEB_CONFIG, "STACK": "a}"}, "STACK is 'a}', not a name"),
        (
            {"PROMETHEUS_WEB_CONFIG": WEB_CONFIG, "REMOTE_WRITE_URL": "https://a/b|"},
            "REMOTE_WRITE_URL is 'https://a/b|'",
        ),
        ({"PROMETHEUS_WEB_CONFIG": WEB_CONFIG, "REMOTE_WRITE_URL": "https://a/b"}, "AWS_REGION is missing"),
        ({"PROMETHEUS_WEB_CONFIG": WEB_CONFIG, "STORAGE": "/proc/none", "TMPDIR": "/proc/none"}, "can be written to"),
    ],
)
def test_a_missing_setting_stops_it(
    home: Path, prometheus_program: str, settings: dict[str, str], sentence: str
) -> None:
    environ = {**environ_of(home, prometheus_program), **settings}
    command = ["sh", str(DEPLOYED / "start")]
    ran = subprocess.run(command, env=environ, capture_output=True, text=True, timeout=30, check=False)
    assert ran.returncode == 2
    assert sentence in ran.stderr


IN_AWS = {
    "PROMETHEUS_WEB_CONFIG": WEB_CONFIG,
    "TARGETS_URL": "http://127.0.0.1:9099/targets",
    "ALERTMANAGER": "127.0.0.1:9093",
    "STACK": "dev-chalice-app",
    "REMOTE_WRITE_URL": "https://aps-workspaces.eu-west-1.amazonaws.com/workspaces/ws-0/api/v1/remote_write",
    "AWS_REGION": "eu-west-1",
}
"""The variables of terraform/prometheus_programs.tf with a workspace."""


def test_in_aws_it_discovers_all_tasks_notifies_alertmanager_and_sends_samples(home: Path, promtool: str) -> None:
    """In place of Prometheus a program prints the configuration."""
    (home / "bin").mkdir()
    shown = home / "bin" / "prometheus"
    shown.write_text("#!/bin/sh\necho ${1#--config.file=}\n")
    shown.chmod(0o755)
    environ = {**environ_of(home, str(shown)), **IN_AWS}
    command = ["sh", str(DEPLOYED / "start")]
    ran = subprocess.run(command, env=environ, capture_output=True, text=True, timeout=30, check=True)
    file = Path(ran.stdout.strip())
    checked = subprocess.run([promtool, "check", "config", file], capture_output=True, text=True, timeout=30)
    assert checked.returncode == 0, checked.stdout + checked.stderr
    configuration = yaml.safe_load(file.read_text())
    assert configuration["global"]["external_labels"] == {"stack": "dev-chalice-app"}
    assert configuration["scrape_configs"] == [
        {
            "job_name": "shop",
            "http_sd_configs": [{"url": "http://127.0.0.1:9099/targets", "refresh_interval": "10s"}],
        },
        {"job_name": "discovery", "static_configs": [{"targets": ["127.0.0.1:9099"]}]},
        {"job_name": "alertmanager", "static_configs": [{"targets": ["127.0.0.1:9093"]}]},
    ]
    (alertmanager,) = configuration["alerting"]["alertmanagers"]
    assert alertmanager == {"static_configs": [{"targets": ["127.0.0.1:9093"]}]}
    assert configuration["remote_write"] == [{"url": IN_AWS["REMOTE_WRITE_URL"], "sigv4": {"region": "eu-west-1"}}]


def test_samples_are_sent_on_signed_for_the_workspace(home: Path, prometheus_program: str) -> None:
    """Debian's 2.42 accepts `sigv4` and does not sign; 3.5 signs. The image has 3.13."""
    received: queue.Queue[tuple[str, Mapping[str, str]]] = queue.Queue()

    class Workspace(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            self.rfile.read(int(self.headers["Content-Length"]))
            received.put((self.path, dict(self.headers)))
            self.send_response(200)
            self.end_headers()

        def log_message(self, format: str, *args: object) -> None:
            pass

    credentials = {"AWS_ACCESS_KEY_ID": "AKIDEXAMPLE", "AWS_SECRET_ACCESS_KEY": "secret", "AWS_REGION": "eu-west-1"}
    task = hasty_task(home, credentials, {"prometheus": prometheus_program})
    with ThreadingHTTPServer((LOOPBACK, 0), Workspace) as workspace:
        threading.Thread(target=workspace.serve_forever, args=(0.05,), daemon=True).start()
        url = f"http://{LOOPBACK}:{workspace.server_port}/workspaces/ws-0/api/v1/remote_write"
        with task.prometheus(REMOTE_WRITE_URL=url, STACK="test-shop"):
            path, headers = received.get(timeout=READY_SECONDS)
        workspace.shutdown()
    assert path == "/workspaces/ws-0/api/v1/remote_write"
    assert headers["X-Prometheus-Remote-Write-Version"] == "0.1.0"
    if not headers["User-Agent"].startswith("Prometheus/2."):
        signed_for = r"AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/\d{8}/eu-west-1/aps/aws4_request, "
        assert re.match(signed_for, headers["Authorization"])


def test_the_unchanged_example_of_passwords_is_refused(promtool: str) -> None:
    command = [promtool, "check", "web-config", str(DEPLOYED / "web.example.yml")]
    assert subprocess.run(command, capture_output=True, timeout=30, check=False).returncode != 0
