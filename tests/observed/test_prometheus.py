"""A real Prometheus scrapes a real shop: its figures agree with what the clients saw."""

import re
import time
from functools import partial

import httpx
import pytest

from local.servers.prometheus import DEPLOYED
from local.waiting import wait_until
from tests.faults.load import assert_unavailable, readers
from tests.fixtures.servers import ROOT, Server, serving
from tests.fixtures.stores import OwnRedis
from tests.observed import expressions
from tests.observed.api import WAIT_SECONDS, Prometheus, watching
from tests.observed.conftest import PRODUCT_READS, Load

BY_PROMETHEUS = {"up"}
"""Series that Prometheus itself adds."""

BY_DISCOVERY = set(re.findall(r"# TYPE (\w+)", (DEPLOYED / "discovery.py").read_text(encoding="utf-8")))
"""Metrics of the discovery of tasks, which runs in AWS."""

BY_ALERTMANAGER = {"alertmanager_notifications_failed_total"}
"""Metrics of Alertmanager; test_alertmanager.py checks them."""


def exposed(server: Server) -> set[str]:
    """Return the names of all samples that the server exports."""
    text = httpx.get(f"{server.url}/metrics", timeout=10).text
    return set(re.findall(r"^([a-z_:][\w:]*)", text, re.MULTILINE | re.IGNORECASE))


@pytest.mark.parametrize("where", ["rules", "console", "dashboard"])
def test_every_metric_that_is_asked_for_exists(server: Server, load: Load, where: str) -> None:
    asked = getattr(expressions, f"of_{where}")()
    assert len(asked) > 10
    named = set().union(*map(expressions.metrics_in, asked))
    assert named <= exposed(server) | expressions.recorded() | BY_PROMETHEUS | BY_DISCOVERY | BY_ALERTMANAGER


def test_every_metric_that_the_documents_name_exists(server: Server, load: Load) -> None:
    known = exposed(server)
    bases = {re.sub(r"_(bucket|count|sum)$", "", name) for name in known}
    for document in ("runbook", "observability"):
        text = (ROOT / "docs" / f"{document}.md").read_text(encoding="utf-8")
        named = set(re.findall(r"\b(?:http_server|cache|db_client|store|log_lines|process|build)_\w+", text))
        named -= {"process_", "http_server_", "cache_"}
        assert named
        assert named <= known | bases, document


@pytest.mark.parametrize("where", ["console", "dashboard"])
def test_every_chart_has_something_to_show(prometheus: Prometheus, load: Load, where: str) -> None:
    for asked in getattr(expressions, f"of_{where}")():
        assert wait_until(partial(prometheus.has, asked), WAIT_SECONDS), asked


def test_the_target_is_up(prometheus: Prometheus, server: Server, load: Load) -> None:
    (target,) = prometheus.targets()
    assert (target["labels"]["job"], target["labels"]["instance"]) == ("shop", f"127.0.0.1:{server.port}")
    assert target["health"] == "up", target["lastError"]
    assert prometheus.value('up{job="shop"}') == 1


def test_the_cpu_rates_that_users_ask_for_have_values(prometheus: Prometheus, load: Load) -> None:
    for name in ("process_cpu_system_seconds_total", "process_cpu_user_seconds_total"):
        assert wait_until(partial(prometheus.has, f"rate({name}[1m]) > 0"), WAIT_SECONDS), name


def test_requests_and_their_rate_agree_with_the_client(prometheus: Prometheus, load: Load) -> None:
    seen = prometheus.samples(f"sum by (http_response_status_code) ({PRODUCT_READS})")
    assert {dict(labels)["http_response_status_code"]: int(value) for labels, value in seen.items()} == {
        str(status): count for status, count in load.statuses.items()
    }
    # `rate` does not count the first sample of a new series, so compare it with the samples.
    last, first = (f"sum({which}_over_time({PRODUCT_READS}[5m]))" for which in ("max", "min"))
    assert (prometheus.value(f"{last} - {first}") or 0) > 0
    prometheus.await_value(f"300 * sum(rate({PRODUCT_READS}[5m])) / ({last} - {first})", 1, within=0.1)


def test_the_hit_ratio_agrees_with_the_client(prometheus: Prometheus, load: Load) -> None:
    assert 0 < load.cache["miss"] < load.cache["hit"]
    for result in ("hit", "miss", "bypass"):
        assert prometheus.value(f'cache_requests_total{{result="{result}"}}') == load.cache[result]
    ratio = 'sum(increase(cache_requests_total{result="hit"}[5m])) / sum(increase(cache_requests_total[5m]))'
    prometheus.await_value(ratio, load.cache["hit"] / load.cache.total(), within=0.01)


def test_a_trace_id_goes_along_as_exemplar(prometheus: Prometheus, load: Load) -> None:
    name = "http_server_request_duration_seconds_bucket"

    def there() -> bool:
        now = time.time()
        asked = {"query": name, "start": f"{now - 300}", "end": f"{now}"}
        series = prometheus.client.get("/api/v1/query_exemplars", params=asked).json()["data"]
        traces = [each["labels"].get("trace_id", "") for one in series for each in one["exemplars"]]
        return any(re.fullmatch(r"1-[0-9a-f]{8}-[0-9a-f]{24}", trace) for trace in traces)

    assert wait_until(there, WAIT_SECONDS)


def test_failures_between_the_first_scrapes_of_a_task_count(prometheus_program: str) -> None:
    """Each status is seen for the first time, and no request follows."""
    with serving({}, "tests.apps.counted:app") as server, watching(server.port) as prometheus:
        failed = 'http_server_requests_total{http_route="/answer/{status}",http_response_status_class="5xx"}'
        prometheus.await_value(failed, 0)
        with httpx.Client(base_url=server.url, timeout=10) as client:
            for number in range(90):
                client.get("/answer/200" if number % 3 else "/answer/507")
        prometheus.await_value("300 * job:http_server_requests:rate5m", 90, within=30)
        prometheus.await_value("300 * job:http_server_requests_failed:rate5m", 30, within=10)
        prometheus.await_value("job:http_server_requests_failed:ratio_rate5m", 1 / 3, within=0.001)


def test_the_console_is_served(prometheus: Prometheus) -> None:
    page = prometheus.client.get("/consoles/shop.html")
    assert page.status_code == 200
    assert "<h1>Shop</h1>" in page.text
    assert "{{" not in page.text
    assert not re.findall(r"""(?:src|href)=["']?(?:https?:)?//""", page.text), "it must work without the internet"


def test_redis_killed_under_load_is_an_alert_and_its_return_ends_it(
    shop_with_own_redis: Server, own_redis: OwnRedis, prometheus_program: str
) -> None:
    server, states = shop_with_own_redis, []
    with watching(server.port) as prometheus, readers(server.url, clients=2) as reads:
        prometheus.await_value('store_up{store="redis"}', 1)
        assert "CacheDown" not in prometheus.alerts()
        own_redis.kill()

        def state() -> str | None:
            alert = prometheus.alerts().get("CacheDown")
            states.append(alert["state"] if alert else None)
            return states[-1]

        assert wait_until(lambda: state() == "firing", WAIT_SECONDS), states
        assert "pending" in states
        alert = prometheus.alerts()["CacheDown"]
        assert alert["labels"]["severity"] == "page"
        assert alert["annotations"]["summary"].startswith("Redis is unavailable for 1 task(s)")
        assert_unavailable(httpx.put(f"{server.url}/product/1", json={"name": "TV", "price": 1}, timeout=10))
        own_redis.start()
        assert wait_until(lambda: state() is None, WAIT_SECONDS), states
    assert set(reads.statuses()) == {200}
