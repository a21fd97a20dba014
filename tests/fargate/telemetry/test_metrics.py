"""/metrics: names and labels, both formats, and a bounded number of series."""

import re
from collections.abc import Iterator

import httpx
import pytest
from prometheus_client import CollectorRegistry
from prometheus_client.openmetrics.parser import text_string_to_metric_families as parse_openmetrics
from prometheus_client.parser import text_string_to_metric_families as parse_text

from chalicelib.ports import CacheResult
from chalicelib.telemetry.metrics import ShopMetrics
from fargate.telemetry.http_metrics import MIN_COMBINATIONS, HttpMetrics
from fargate.telemetry.request_record import RequestRecord
from local.waiting import wait_until
from tests.fargate.telemetry.conftest import KEY
from tests.fixtures.servers import Server
from tests.fixtures.stores import OwnRedis

OPENMETRICS = "application/openmetrics-text; version=1.0.0"
DURATION = "http_server_request_duration_seconds"
JSON = {"x-api-key": KEY, "content-type": "application/json"}

NAMES = {
    "build_info",
    "cache_audit_total",
    "cache_fence_failures_total",
    "cache_local_hits_total",
    "cache_requests_total",
    "db_client_connection_count",
    "db_client_connection_max",
    "db_client_connection_timeouts_total",
    "db_client_connection_wait_duration_seconds_count",
    "db_client_operation_duration_seconds_count",
    "http_server_active_requests",
    "http_server_queue_duration_seconds_count",
    "http_server_request_duration_seconds_bucket",
    "http_server_requests_slow_total",
    "http_server_requests_total",
    "log_lines_dropped_total",
    "process_cpu_seconds_total",
    "process_cpu_system_seconds_total",
    "process_cpu_user_seconds_total",
    "process_resident_memory_bytes",
    "python_gc_collections_total",
    "store_failures_total",
    "store_up",
}


def scrape(client: httpx.Client) -> dict[str, dict[tuple[tuple[str, str], ...], float]]:
    """Return every sample, by name and labels."""
    samples: dict[str, dict[tuple[tuple[str, str], ...], float]] = {}
    for family in parse_text(client.get("/metrics").text):
        for sample in family.samples:
            samples.setdefault(sample.name, {})[tuple(sorted(sample.labels.items()))] = sample.value
    return samples


def value(client: httpx.Client, name: str, **labels: str) -> float:
    return scrape(client).get(name, {}).get(tuple(sorted(labels.items())), 0.0)


def test_every_documented_metric_exists(client: httpx.Client, product: int) -> None:
    client.get(f"/product/{product}")
    samples = scrape(client)
    assert set(samples) >= NAMES
    assert samples["build_info"] == {(("revision", "0123abc"), ("version", client.get("/").json()["version"])): 1.0}
    assert not [name for name in samples if name.endswith("_created")]


@pytest.mark.parametrize(
    ("method", "path", "headers", "content", "labels"),
    [
        ("GET", "/product/77", {}, b"", ("GET", "/product/{id}", "404")),
        ("GET", "/no/such/path", {}, b"", ("GET", "unmatched", "404")),
        ("PATCH", "/data", {}, b"", ("PATCH", "unmatched", "405")),
        ("BREW", "/data", {}, b"", ("_OTHER", "unmatched", "405")),
        ("POST", "/data", {"x-api-key": KEY, "content-type": "text/plain"}, b"x", ("POST", "/data", "415")),
        ("POST", "/data", {}, b"", ("POST", "/data", "403")),
    ],
)
def test_each_request_is_counted_once(
    server: Server,
    client: httpx.Client,
    method: str,
    path: str,
    headers: dict[str, str],
    content: bytes,
    labels: tuple[str, str, str],
) -> None:
    if method == "BREW" and "with uvicorn" in server.awaited_output("Serving "):
        labels = (*labels[:2], "400")  # httptools takes it for no request
    names = ("http_request_method", "http_route", "http_response_status_code")
    wanted = dict(zip(names, labels, strict=True))
    before = value(client, DURATION + "_count", **wanted)
    client.request(method, path, headers=headers, content=content)
    assert value(client, DURATION + "_count", **wanted) == before + 1


def test_a_body_that_is_too_long_is_counted(client: httpx.Client) -> None:
    wanted = {"http_request_method": "POST", "http_route": "unmatched", "http_response_status_code": "413"}
    before = value(client, DURATION + "_count", **wanted)
    answer = client.post("/data", content=b"x" * (10 * 2**20 + 1), headers=JSON)
    assert answer.status_code == 413
    assert value(client, DURATION + "_count", **wanted) == before + 1


def test_reads_are_counted_by_cache_result(client: httpx.Client, product: int) -> None:
    before = {result: value(client, "cache_requests_total", result=result) for result in ("hit", "miss", "bypass")}
    seen = [client.get(f"/product/{product}").headers["x-cache"] for _ in range(5)]
    for result, count in before.items():
        assert value(client, "cache_requests_total", result=result) == count + seen.count(result)


def test_round_trips_are_timed_by_operation(client: httpx.Client, product: int) -> None:
    client.get(f"/product/{product}")
    client.get("/products")
    counts = scrape(client)["db_client_operation_duration_seconds_count"]
    operations = {dict(labels)["db_system_name"] + " " + dict(labels)["db_operation_name"] for labels in counts}
    assert operations >= {
        "postgresql INSERT",
        "postgresql SELECT",
        "redis fence",
        "redis publish",
    }
    assert operations & {"redis GETEX", "redis lease"}, "an event loop sends GETEX, a thread requests a lease"


def test_openmetrics_has_the_trace_ids_of_recorded_requests_as_exemplars(client: httpx.Client, product: int) -> None:
    trace_id = "1-67891233-aaaaaaaaaaaaaaaaaaaaaaaa"
    client.get(f"/product/{product}", headers={"X-Amzn-Trace-Id": f"Root={trace_id};Sampled=1"})
    answer = client.get("/metrics", headers={"accept": OPENMETRICS})
    assert answer.headers["content-type"].startswith("application/openmetrics-text")
    samples = [sample for family in parse_openmetrics(answer.text) for sample in family.samples]
    exemplars = [sample.exemplar.labels for sample in samples if sample.exemplar]
    assert {"trace_id": trace_id} in exemplars


def test_an_unavailable_store_is_down(database_url: str, own_redis: OwnRedis) -> None:
    from tests.fixtures.servers import serving

    environ = {"DATABASE_URL": database_url, "REDIS_URL": own_redis.url, "API_KEYS": KEY}
    with serving(environ) as server, httpx.Client(base_url=server.url, timeout=10) as client:
        client.get("/product/1")
        assert value(client, "store_up", store="redis") == value(client, "store_up", store="postgres") == 1
        own_redis.kill()

        def is_down() -> bool:
            client.get("/product/1")
            return value(client, "store_up", store="redis") == 0

        assert wait_until(is_down, 10)
        assert value(client, "store_failures_total", store="redis") >= 3
        assert client.post("/data", json={"id": 1, "name": "x", "price": 1}, headers=JSON).status_code == 503
        assert value(client, "cache_fence_failures_total", stage="raise") == 1


PATHS = ["/", "/status", "/livez", "/readyz", "/data", "/product/1", "/products", "/metrics", "/openapi.json"]


@pytest.fixture
def garbage() -> Iterator[tuple[str, str]]:
    """Requests with every method to known and unknown paths."""
    methods = ["DELETE", "GET", "HEAD", "OPTIONS", "PATCH", "POST", "PUT"]
    paths = [*PATHS, *(f"/product/{number}" for number in range(8)), *(f"/made/up/{number}" for number in range(8))]
    return iter([(method, path) for path in paths for method in methods])


def test_the_number_of_series_does_not_grow_with_what_clients_send(
    client: httpx.Client, garbage: Iterator[tuple[str, str]]
) -> None:
    for method, path in garbage:
        client.request(method, path, headers={"x-api-key": KEY})
    samples = scrape(client)
    assert sum(len(labelled) for labelled in samples.values()) <= 1000
    labels = " ".join(str(labels) for labelled in samples.values() for labels in labelled)
    assert "made/up" not in labels
    assert not re.search(r"/product/\d", labels)


CLASSES = ("2xx", "3xx", "4xx", "5xx")
REQUESTS, SLOW = "http_server_requests_total", "http_server_requests_slow_total"


def record(route: str, status: int, seconds: float = 0.001) -> RequestRecord:
    return RequestRecord("GET", route, status, seconds, 0, "", None)


def test_requests_of_each_route_and_class_are_counted_from_0() -> None:
    registry = CollectorRegistry()
    metrics = HttpMetrics(registry, {"/a": ["GET"], "/b": ["PUT"]})
    routes = ("/a", "/b", "unmatched", "overflow")

    def counts() -> dict[tuple[str, str], float | None]:
        labels = {
            (route, kind): {"http_route": route, "http_response_status_class": kind}
            for route in routes
            for kind in CLASSES
        }
        return {key: registry.get_sample_value(REQUESTS, each) for key, each in labels.items()}

    assert set(counts().values()) == {0}
    for status in (200, 204, 304, 404, 500, 507):
        metrics.ended(record("/a", status))
    metrics.ended(record("unmatched", 404))
    seen = {("/a", "2xx"): 2, ("/a", "3xx"): 1, ("/a", "4xx"): 1, ("/a", "5xx"): 2, ("unmatched", "4xx"): 1}
    assert {key: count for key, count in counts().items() if count} == seen


def test_slow_requests_are_counted_from_0_without_failures() -> None:
    registry = CollectorRegistry()
    metrics = HttpMetrics(registry, {"/a": ["GET"]})
    assert registry.get_sample_value(SLOW, {"http_route": "/a"}) == 0
    for status, seconds in [(200, 0.1), (200, 0.11), (404, 5), (503, 5)]:
        metrics.ended(record("/a", status, seconds))
    assert registry.get_sample_value(SLOW, {"http_route": "/a"}) == 2


def test_counters_that_alerts_use_have_all_their_labels_from_the_start() -> None:
    registry = CollectorRegistry()
    ShopMetrics(registry)
    samples = [sample for family in registry.collect() for sample in family.samples]
    assert {(each.name, *each.labels.values()) for each in samples if each.value == 0} >= {
        ("cache_audit_total", "mismatch"),
        ("cache_fence_failures_total", "raise"),
        ("cache_fence_failures_total", "publish"),
        ("db_client_connection_timeouts_total",),
        *(("cache_requests_total", str(result)) for result in CacheResult),
    }


def test_combinations_above_the_limit_are_counted_as_one() -> None:
    registry = CollectorRegistry()
    metrics = HttpMetrics(registry, {})
    for number in range(MIN_COMBINATIONS + 50):
        metrics.ended(record(f"/route/{number}", 404))
    assert registry.get_sample_value(REQUESTS, {"http_route": "overflow", "http_response_status_class": "4xx"}) == 50
    (family,) = [each for each in registry.collect() if each.name == DURATION]
    counts = {sample.labels["http_route"]: sample.value for sample in family.samples if sample.name.endswith("_count")}
    assert len(counts) == MIN_COMBINATIONS + 1
    assert counts["overflow"] == 50
