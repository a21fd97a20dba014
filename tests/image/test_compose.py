"""compose.yaml starts the deployed programs on one machine."""

import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
import yaml

from chalicelib.settings import read_settings as read_shop_settings
from fargate.settings import PARSERS, read_settings
from local.ports import LOOPBACK, free_port
from local.waiting import wait_until
from tests.fixtures.tools import beside, required_tools
from tests.image.compose import Project, compose_plugin, make_stores, project
from tests.image.engine import Engine
from tests.image.stand_ins import ROOT

FILE = ROOT / "compose.yaml"
COMPOSE: dict[str, Any] = yaml.safe_load(FILE.read_text())
SERVICES: dict[str, dict[str, Any]] = COMPOSE["services"]
OURS = {name: service for name, service in SERVICES.items() if "build" in service}
TV = {"id": 1, "name": "Samsung TV", "price": 140}

SETTINGS = set(re.findall(r"`([A-Z][A-Z_]+)`", (ROOT / "docs" / "settings.md").read_text(encoding="utf-8")))
"""Every setting; tests/house compares this page with the code."""

deployed = pytest.mark.parametrize("name", ["app", "migrate"])
slow = [pytest.mark.infra, pytest.mark.timeout(1200)]


def without_variables(value: str) -> str:
    """Return the text with the default of each `${NAME:-default}`."""
    return re.sub(r"\$\{\w+:-([^}]*)\}", r"\1", value)


def environment(name: str) -> dict[str, str]:
    return {key: without_variables(str(value)) for key, value in SERVICES[name]["environment"].items()}


def test_it_has_all_that_the_shop_needs() -> None:
    assert set(SERVICES) == {"app", "migrate", "postgres", "valkey", "prometheus", "grafana"}


@deployed
def test_its_settings_are_settings(name: str) -> None:
    assert set(environment(name)) <= SETTINGS
    assert len(PARSERS) > len(environment(name)) > 0


@deployed
def test_the_shop_accepts_them(name: str) -> None:
    settings = read_settings(environment(name))
    assert not settings.api_keys.is_open
    assert settings.api_keys.accept("local")
    assert read_shop_settings(environment(name)).database.host == "postgres"


def test_prometheus_gets_the_variables_that_its_entry_point_reads() -> None:
    documented = set(re.findall(r"^#   ([A-Z_]+) ", (ROOT / "prometheus" / "start").read_text(), re.MULTILINE))
    assert set(environment("prometheus")) <= documented
    assert environment("prometheus")["TARGET_DNS_NAME"] == "app"


def test_the_images_are_the_deployed_ones() -> None:
    assert {
        name: (service["build"]["context"], service["build"].get("dockerfile")) for name, service in OURS.items()
    } == {
        "app": (".", "fargate/Dockerfile"),
        "migrate": (".", "fargate/Dockerfile"),
        "prometheus": ("prometheus", None),
    }
    assert SERVICES["app"]["image"] == SERVICES["migrate"]["image"]
    for name in OURS:
        assert "user" not in SERVICES[name]
        assert "entrypoint" not in SERVICES[name]
    assert "command" not in SERVICES["app"]


@pytest.mark.parametrize("name", sorted(OURS))
def test_our_containers_are_hardened_as_on_fargate(name: str) -> None:
    service = SERVICES[name]
    assert service["read_only"] is True
    assert service["cap_drop"] == ["ALL"]
    assert service["security_opt"] == ["no-new-privileges:true"]


def test_the_shop_starts_once_the_migration_ended_well() -> None:
    assert SERVICES["migrate"]["command"] == ["python", "-m", "chalicelib.migrate"]
    assert SERVICES["migrate"]["depends_on"] == {"postgres": {"condition": "service_healthy"}}
    assert SERVICES["app"]["depends_on"]["migrate"] == {"condition": "service_completed_successfully"}


def test_every_long_running_service_has_a_health_check() -> None:
    for name, service in SERVICES.items():
        check = service.get("healthcheck", {})
        if name == "migrate":
            assert check == {"disable": True}
        elif name in OURS:
            assert not check, "the image has one"
            assert "HEALTHCHECK" in (ROOT / service["build"].get("dockerfile", "prometheus/Dockerfile")).read_text()
        else:
            assert check["test"][0] == "CMD"


def test_it_has_as_much_time_to_stop_as_on_fargate() -> None:
    app, variables = ((ROOT / "terraform" / file).read_text() for file in ("app.tf", "variables_app.tf"))
    (accepts,) = re.findall(r'variable "app_drain_accept_seconds" {.*?default\s*=\s*(\d+)', variables, re.DOTALL)
    (drains,) = re.findall(r"drain_seconds\s*= (\d+)", app)
    (more,) = re.findall(r"stop_timeout_seconds = var.app_drain_accept_seconds \+ local.drain_seconds \+ (\d+)", app)
    assert SERVICES["app"]["stop_grace_period"] == f"{int(accepts) + int(drains) + int(more)}s"


def test_nothing_listens_beyond_this_machine() -> None:
    ports = [without_variables(port) for service in SERVICES.values() for port in service.get("ports", ())]
    assert ports == ["127.0.0.1:3000:3000", "127.0.0.1:9090:9090", "127.0.0.1:3001:3000"]


def test_the_stores_are_of_the_versions_on_aws() -> None:
    def default(variable: str, file: str) -> str:
        text = (ROOT / "terraform" / file).read_text()
        (value,) = re.findall(rf'variable "{variable}" {{.*?default\s*=\s*"([^"]+)"', text, re.DOTALL)
        return str(value)

    assert SERVICES["postgres"]["image"] == f"postgres:{default('engine_version', 'modules/rds/variables.tf')}"
    assert SERVICES["valkey"]["image"] == f"valkey/valkey:{default('cache_engine_version', 'variables_stores.tf')}"


def test_grafana_comes_only_when_asked_for_and_shows_the_dashboard() -> None:
    assert [name for name, service in SERVICES.items() if "profiles" in service] == ["grafana"]
    folder, mounted, _ = SERVICES["grafana"]["volumes"][0].split(":")
    (provider,) = yaml.safe_load(COMPOSE["configs"]["dashboards"]["content"])["providers"]
    assert provider["options"]["path"] == mounted
    home = Path(environment("grafana")["GF_DASHBOARDS_DEFAULT_HOME_DASHBOARD_PATH"])
    assert (ROOT / folder / home.relative_to(mounted)).exists()
    (source,) = yaml.safe_load(COMPOSE["configs"]["datasource"]["content"])["datasources"]
    assert source["url"] == "http://prometheus:9090"


@pytest.mark.infra
def test_it_is_a_compose_file() -> None:
    checker = beside(sys.executable, "check-jsonschema", "make test-infra does that")
    done = subprocess.run(
        [checker, "--builtin-schema", "vendor.compose-spec", FILE], capture_output=True, text=True, timeout=60
    )
    assert done.returncode == 0, done.stdout


@pytest.fixture(scope="module")
def everything(engine: Engine, python_base: str, shop_image: str, prometheus_image: str) -> Iterator[Project]:
    """The running project: with the images built for the tests, on free ports."""
    for image, name in ((shop_image, "app"), (prometheus_image, "prometheus")):
        engine.docker("tag", image, SERVICES[name]["image"])
    make_stores(engine, python_base, SERVICES["postgres"]["image"], SERVICES["valkey"]["image"])
    with required_tools():
        plugin = compose_plugin(engine, python_base)
    ports = {name: str(free_port()) for name in ("PORT", "PROMETHEUS_PORT")}
    with project(engine, plugin, ports) as described:
        described.up()
        yield described


class TestUp:
    """After `docker compose up`."""

    pytestmark = slow

    def test_everything_becomes_healthy_and_the_migration_is_done(self, everything: Project) -> None:
        states = everything.states()
        assert set(states) == set(SERVICES) - {"grafana"}
        assert states.pop("migrate").startswith("Exited (0)")
        assert all(state.endswith("(healthy)") for state in states.values()), states

    def test_the_shop_serves_a_product(self, everything: Project) -> None:
        url = f"http://{LOOPBACK}:{everything.environ['PORT']}"
        with httpx.Client(base_url=url, timeout=30) as client:
            assert client.post("/data", json=TV).status_code == 403
            assert client.post("/data", json=TV, headers={"x-api-key": "local"}).status_code == 201
            assert client.get("/product/1").json() == TV
            assert client.get("/product/1").headers["x-cache"] == "hit"

    def test_prometheus_finds_it_by_its_name(self, everything: Project) -> None:
        url = f"http://{LOOPBACK}:{everything.environ['PROMETHEUS_PORT']}/api/v1/query"

        def up() -> bool:
            found = httpx.get(url, params={"query": 'up{job="shop"}'}, timeout=10).json()["data"]["result"]
            return [sample["value"][1] for sample in found] == ["1"]

        assert wait_until(up, 60)

    def test_coming_up_again_migrates_again_and_keeps_the_data(self, everything: Project) -> None:
        url = f"http://{LOOPBACK}:{everything.environ['PORT']}"
        kept = {**TV, "id": 2}
        assert httpx.post(f"{url}/data", json=kept, headers={"x-api-key": "local"}, timeout=30).status_code == 201
        assert everything.run("down", "--timeout", "40").returncode == 0
        everything.up()
        assert "The database is up to date." in everything.run("logs", "migrate").stdout
        assert httpx.get(f"{url}/product/2", timeout=30).json() == kept
