"""Prometheus' image, started as the task definition starts it: it has its targets, rules and console."""

import shlex
import stat
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from local.ports import LOOPBACK, free_port
from tests.image.conftest import REVISION
from tests.image.containers import Container, started
from tests.image.engine import Engine
from tests.image.stand_ins import ROOT
from tests.observed.test_start import PASSWORD, USER, WEB_CONFIG

pytestmark = [pytest.mark.infra, pytest.mark.timeout(1200)]

SETTINGS = {
    "PROMETHEUS_WEB_CONFIG": WEB_CONFIG,
    "TARGETS_URL": "http://127.0.0.1:9099/targets",
    "ALERTMANAGER": "127.0.0.1:9093",
    "STACK": "test-shop",
    "WEB_EXTERNAL_URL": "https://prometheus.example.com",
    "RETENTION": "3d",
}
"""The names that terraform/prometheus_programs.tf sets."""

TOPIC = "arn:aws:sns:eu-west-1:123456789012:on-call"

BESIDE_DEBIANS = Path("/usr/share/prometheus/alertmanager")
"""Files that Debian's Alertmanager needs; upstream's has them inside."""


@pytest.fixture(scope="module")
def prometheus(engine: Engine, prometheus_image: str) -> Iterator[Container]:
    """Prometheus with a read-only root file system and a volume for its samples, as on Fargate."""
    port = free_port()
    listening = [f"--web.listen-address={LOOPBACK}:{port}"]
    with started(engine, prometheus_image, SETTINGS, arguments=listening, port=port) as container:
        container.await_answers("/-/healthy", 401)
        yield container


@pytest.fixture
def client(prometheus: Container) -> Iterator[httpx.Client]:
    """A client with the password."""
    with httpx.Client(base_url=prometheus.url, auth=(USER, PASSWORD), timeout=30) as client:
        yield client


def test_it_is_run_as_the_task_definition_says(engine: Engine, prometheus_image: str) -> None:
    config = engine.image(prometheus_image)["Config"]
    assert config["User"] == "65534:65534"
    assert config["Entrypoint"] == ["/etc/prometheus/start"]
    assert not config["Cmd"]
    assert list(config["ExposedPorts"]) == ["9090/tcp"]
    assert list(config["Volumes"]) == ["/prometheus"]


def test_its_labels_describe_it(engine: Engine, prometheus_image: str, python_base: str) -> None:
    labels = engine.image(prometheus_image)["Config"]["Labels"]
    assert labels["org.opencontainers.image.title"] == "chalice-app-prometheus"
    assert labels["org.opencontainers.image.revision"] == REVISION
    assert labels["org.opencontainers.image.base.name"] == python_base


def test_it_runs_unprivileged_and_execs_prometheus(prometheus: Container) -> None:
    """Then SIGTERM reaches it, and it writes its samples before it ends."""
    status = Path(f"/proc/{prometheus.state()['Pid']}/status").read_text()
    assert "Uid:\t65534\t65534\t65534\t65534" in status
    assert "CapEff:\t0000000000000000" in status
    assert prometheus.run("cat", "/proc/1/comm") in ("docker-init", "tini", "prometheus")
    running = prometheus.run("sh", "-c", "cat /proc/[0-9]*/comm").split()
    assert "prometheus" in running
    assert "start" not in running


def test_it_discovers_tasks_at_the_given_url(client: httpx.Client) -> None:
    configuration = client.get("/api/v1/status/config").json()["data"]["yaml"]
    assert "url: http://127.0.0.1:9099/targets\n" in configuration
    assert "stack: test-shop" in configuration
    assert "dev-chalice-app" not in configuration


def test_the_discovery_of_tasks_runs_from_the_same_image(engine: Engine, prometheus_image: str) -> None:
    """As the task definition starts it. There is no Cloud Map here, so it logs an error."""
    port = free_port()
    environ = {
        "DISCOVERY_NAMESPACE": "test-shop.internal",
        "DISCOVERY_SERVICE": "app",
        "DISCOVERY_PORT": str(port),
        "AWS_REGION": "eu-west-1",
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": "test",
        "AWS_ENDPOINT_URL": f"http://{LOOPBACK}:1",
        "AWS_DISABLE_HOST_PREFIX_INJECTION": "true",
    }
    options, program = ("--init", "--entrypoint", "python"), ["/etc/prometheus/discovery.py"]
    with started(engine, prometheus_image, environ, options=options, arguments=program, port=port) as container:
        container.await_answers("/metrics")
        assert "Could not connect" in httpx.get(f"{container.url}/targets", timeout=30).text
        assert container.stop() == 0


def test_alertmanager_runs_from_the_same_image(engine: Engine, prometheus_image: str) -> None:
    port = free_port()
    topics = {"SNS_TOPIC_ARN": TOPIC, "HEARTBEAT_TOPIC_ARN": f"{TOPIC}-heartbeat"}
    environ = {**topics, "ALERTMANAGER_PORT": str(port)}
    options = ["--init", "--entrypoint", "/etc/prometheus/start-alertmanager"]
    if BESIDE_DEBIANS.is_dir():
        options.append(f"--volume={BESIDE_DEBIANS}:{BESIDE_DEBIANS}:ro")
    with started(engine, prometheus_image, environ, options=options, port=port) as container:
        container.await_answers("/-/ready")
        configuration = httpx.get(f"{container.url}/api/v2/status", timeout=30).json()["config"]["original"]
        assert f"topic_arn: {TOPIC}\n" in configuration
        assert f"topic_arn: {TOPIC}-heartbeat\n" in configuration
        assert container.stop() == 0


def test_it_knows_every_rule(client: httpx.Client) -> None:
    groups = client.get("/api/v1/rules").json()["data"]["groups"]
    assert {Path(group["file"]).name for group in groups} == {
        file.name for file in (ROOT / "prometheus" / "rules").glob("*.yml")
    }


def test_it_serves_its_console_and_keeps_samples_for_the_given_time(client: httpx.Client) -> None:
    assert client.get("/consoles/shop.html").status_code == 200
    flags = client.get("/api/v1/status/flags").json()["data"]
    assert flags["storage.tsdb.retention.time"] == "3d"
    assert flags["storage.tsdb.path"] == "/prometheus"


def test_without_the_password_it_answers_401(prometheus: Container) -> None:
    assert httpx.get(f"{prometheus.url}/metrics").status_code == 401


def test_without_passwords_it_does_not_start(engine: Engine, prometheus_image: str) -> None:
    done = engine.attempt("run", "--rm", "--network=host", prometheus_image)
    assert done.returncode == 2
    assert "PROMETHEUS_WEB_CONFIG is missing" in done.stderr


@pytest.mark.parametrize("web_config", [WEB_CONFIG, "{}"], ids=["a password", "none"])
def test_its_health_check_says_healthy_whether_it_asks_for_a_password_or_not(
    web_config: str, engine: Engine, prometheus_image: str
) -> None:
    """The image's own check, with the free port of this test."""
    port = free_port()
    check: list[str] = engine.image(prometheus_image)["Config"]["Healthcheck"]["Test"]
    assert check[:3] == ["CMD", "python", "-c"]
    here = check[3].replace("127.0.0.1:9090", f"{LOOPBACK}:{port}")
    options = ("--init", "--health-cmd", shlex.join(["python", "-c", here]))
    listening = [f"--web.listen-address={LOOPBACK}:{port}"]
    environ = {**SETTINGS, "PROMETHEUS_WEB_CONFIG": web_config}
    with started(engine, prometheus_image, environ, options=options, arguments=listening, port=port) as container:
        container.await_health("healthy")
        assert container.stop() == 0


def test_it_contains_only_the_needed_files_of_its_folder(engine: Engine, prometheus_image: str) -> None:
    list_all = ("run", "--rm", "--network=host", "--entrypoint", "find")
    found = engine.docker(*list_all, prometheus_image, "/etc/prometheus", "-type", "f").split()
    rules = {f"rules/{file.name}" for file in (ROOT / "prometheus" / "rules").glob("*.yml")}
    assert {path.removeprefix("/etc/prometheus/") for path in found} == {
        "prometheus.yml",
        "start",
        "start-alertmanager",
        "discovery.py",
        "alertmanager/alertmanager.yml",
        "alertmanager/message.tmpl",
        "consoles/shop.html",
        *rules,
    }


@pytest.mark.parametrize("name", ["start", "start-alertmanager"])
def test_every_user_may_run_its_entry_points_and_none_may_change_them(
    name: str, engine: Engine, prometheus_image: str
) -> None:
    command = ("run", "--rm", "--network=host", "--entrypoint", "stat", prometheus_image, "-c", "%a %u")
    mode, owner = engine.docker(*command, f"/etc/prometheus/{name}").split()
    assert int(mode, 8) & (stat.S_IXOTH | stat.S_IROTH) == stat.S_IXOTH | stat.S_IROTH
    assert not int(mode, 8) & stat.S_IWOTH
    assert owner == "0"
