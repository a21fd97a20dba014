"""Prometheus finds every task, where DNS names only eight. If Cloud Map fails, it keeps its targets."""

import contextlib
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from local.waiting import wait_until
from tests.fixtures.stores import temporary_home
from tests.fixtures.tools import give_up
from tests.observed.api import WAIT_SECONDS, Prometheus
from tests.observed.deployed import DEPLOYED, Task, hasty_task
from tests.observed.tasks import NAMED_BY_DNS, NAMESPACE, SERVICE, Tasks, name_server

NAME_SERVER = "127.0.53.53"
NO_HOST_PREFIX = {"AWS_DISABLE_HOST_PREFIX_INJECTION": "true"}
"""In AWS the call goes to data-servicediscovery.REGION.amazonaws.com; here one address serves every API."""


@pytest.fixture(scope="module")
def home() -> Iterator[Path]:
    with temporary_home() as home:
        yield home


@pytest.fixture(scope="module")
def tasks() -> Iterator[Tasks]:
    tasks = Tasks(12)
    with tasks.running():
        yield tasks


@pytest.fixture(scope="module")
def task(home: Path, prometheus_program: str) -> Task:
    return hasty_task(home, {}, {"prometheus": prometheus_program})


def looking_for(tasks: Tasks, environ: dict[str, str]) -> dict[str, str]:
    return {
        **environ,
        **NO_HOST_PREFIX,
        "DISCOVERY_NAMESPACE": NAMESPACE,
        "DISCOVERY_SERVICE": SERVICE,
        "TARGET_PORT": str(tasks.port),
    }


def found(prometheus: Prometheus) -> set[str]:
    return {target["labels"]["instance"] for target in prometheus.targets() if target["labels"]["job"] == "shop"}


@pytest.mark.infra
def test_twelve_tasks_are_twelve_targets_and_stay_when_cloud_map_is_away(home: Path, task: Task, tasks: Tasks) -> None:
    from tests.infra.account.cloud import emulated

    with contextlib.ExitStack() as aws:
        cloud = aws.enter_context(emulated(home))
        tasks.register(cloud.client("servicediscovery"))
        with (
            task.discovery(**looking_for(tasks, cloud.environ())) as url,
            task.prometheus(TARGETS_URL=url) as prometheus,
        ):
            prometheus.await_value('count(up{job="shop"} == 1)', len(tasks.targets))
            assert found(prometheus) == tasks.targets
            prometheus.await_value("discovery_tasks", len(tasks.targets))
            assert prometheus.value("discovery_failures_total") == 0
            aws.close()
            assert wait_until(lambda: (prometheus.value("discovery_failures_total") or 0) > 1, WAIT_SECONDS)
            assert found(prometheus) == tasks.targets
            assert httpx.get(url, timeout=10).status_code == 503


def test_dns_would_name_eight_of_them(home: Path, task: Task, tasks: Tasks) -> None:
    """The control: with A records, four of the twelve tasks are not scraped at any one time."""
    if sys.platform != "linux" or os.geteuid() != 0:
        give_up("only root on Linux may answer DNS, and give a process a resolver of its own")
    resolver = home / "resolv.conf"
    resolver.write_text(f"nameserver {NAME_SERVER}\n")
    of_its_own = ["unshare", "--mount", "sh", "-c", f'mount --bind {resolver} /etc/resolv.conf && exec "$@"', "-"]
    with name_server(NAME_SERVER, tasks.addresses):
        with task.prometheus(before=of_its_own, TARGET_DNS_NAME=f"{SERVICE}.{NAMESPACE}") as prometheus:
            assert wait_until(lambda: bool(found(prometheus)), WAIT_SECONDS)
            assert len(found(prometheus)) == NAMED_BY_DNS < len(tasks.targets)


@pytest.mark.parametrize(
    ("settings", "sentence"),
    [
        ({"DISCOVERY_NAMESPACE": ""}, "DISCOVERY_NAMESPACE is missing"),
        ({"DISCOVERY_SERVICE": ""}, "DISCOVERY_SERVICE is missing"),
        ({"TARGET_PORT": "http"}, "TARGET_PORT is 'http', not a port"),
        ({"DISCOVERY_PORT": "65536"}, "DISCOVERY_PORT is '65536', not a port"),
        ({"AWS_REGION": ""}, "AWS_REGION is missing"),
    ],
)
def test_a_missing_setting_stops_it(settings: dict[str, str], sentence: str) -> None:
    environ = {"DISCOVERY_NAMESPACE": NAMESPACE, "DISCOVERY_SERVICE": SERVICE, "AWS_REGION": "eu-west-1", **settings}
    command = [sys.executable, str(DEPLOYED / "discovery.py")]
    ran = subprocess.run(command, env=environ, capture_output=True, text=True, timeout=30, check=False)
    assert ran.returncode == 2
    assert sentence in ran.stderr
    assert "Traceback" not in ran.stderr
