"""The saved Logs Insights queries use only fields and values that the server really logs."""

import re
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from local.waiting import wait_until
from tests.fargate.telemetry.lines import Line, await_line, lines_of
from tests.fixtures.servers import ROOT, Server, serving
from tests.fixtures.stores import OwnRedis

QUERIES = sorted((ROOT / "terraform" / "modules" / "observability" / "queries").glob("*.query"))
KEY = "a-key-of-the-tests"

CLOUDWATCH = {"@timestamp", "@message", "@logStream"}
COMMANDS = {"fields", "filter", "limit", "sort", "stats"}
WORDS = COMMANDS | {"and", "as", "asc", "by", "desc", "in", "like", "not", "or"}

_TEXT = re.compile(r'"[^"]*"')
_NAME = re.compile(r"(?<![\w.@])[@A-Za-z_][\w.@]*+(?!\s*\()")
_COMPARED = re.compile(r'([\w.]+)\s*(?:=|in)\s*(\[[^\]]*\]|"[^"]*"|\d+)')


@pytest.fixture(scope="module")
def lines(module_database_url: str, redis_for_queries: OwnRedis) -> list[Line]:
    """Lines of every kind: reads, writes, refusals, a store that goes away, an app that fails, a start and an end."""
    environ = {"DATABASE_URL": module_database_url, "REDIS_URL": redis_for_queries.url, "API_KEYS": KEY}
    with serving(environ) as server:
        ask(server)
        redis_for_queries.kill()
        with httpx.Client(base_url=server.url, timeout=10) as client:
            assert wait_until(lambda: client.get("/product/1").headers.get("x-cache") == "bypass", 30)
        await_line(server, lambda line: line.get("cache") == "bypass")
        await_line(server, lambda line: line.get("logger") == "shop")
        shop = lines_of(server)
    with serving({}, "tests.apps.echo:app") as server:
        assert httpx.get(f"{server.url}/exit", timeout=10).status_code == 502
        await_line(server, lambda line: line.get("http", {}).get("status") == 502)
        return shop + lines_of(server)


@pytest.fixture(scope="module")
def redis_for_queries() -> Iterator[OwnRedis]:
    """A Redis that tests may kill."""
    from tests.fixtures.stores import running_redis

    with running_redis() as server:
        yield server


def ask(server: Server) -> None:
    """Send a request of each kind."""
    product = {"id": 1, "name": "Samsung TV", "price": 140}
    with httpx.Client(base_url=server.url, timeout=10) as client:
        assert client.post("/data", json=product).status_code == 403
        assert client.post("/data", json=product, headers={"x-api-key": KEY}).status_code == 201
        assert (
            client.post("/data", content=b"<>", headers={"x-api-key": KEY, "content-type": "text/xml"}).status_code
            == 415
        )
        assert client.get("/product/1").status_code == 200
        assert client.get("/product/1").headers["x-cache"] == "hit"
        assert client.get("/product/0").status_code == 400
        assert client.get("/nowhere").status_code == 404
        assert client.delete("/products").status_code == 405


def fields_of(line: Line, before: str = "") -> Iterator[tuple[str, Any]]:
    """Yield a line's fields by CloudWatch's dotted names, with their values."""
    for name, value in line.items():
        if isinstance(value, dict):
            yield from fields_of(value, f"{before}{name}.")
        else:
            yield before + name, value


def code_of(query: str) -> str:
    """Return a query without its comments."""
    return "\n".join(line for line in query.splitlines() if not line.startswith("#"))


def names_in(query: str) -> set[str]:
    """Return the fields in a query, without commands, functions and its own results."""
    code = _TEXT.sub('""', code_of(query))
    results = set(re.findall(r"\bas (\w+)", code))
    return set(_NAME.findall(code)) - WORDS - results


@pytest.mark.parametrize("file", QUERIES, ids=lambda file: file.stem)
def test_every_field_is_in_the_lines(file: Any, lines: list[Line]) -> None:
    written = {name for line in lines for name, _ in fields_of(line)}
    named = names_in(file.read_text(encoding="utf-8"))
    assert named
    assert named - CLOUDWATCH <= written


@pytest.mark.parametrize("file", QUERIES, ids=lambda file: file.stem)
def test_every_comparison_fits_some_line(file: Any, lines: list[Line]) -> None:
    query = code_of(file.read_text(encoding="utf-8"))
    query = re.sub(r"\bnot in \[[^\]]*\]", "", query)
    for field, values in _COMPARED.findall(query):
        wanted = {value.strip('"') for value in re.findall(r'"[^"]*"|\d+', values)}
        found = {str(value) for line in lines for name, value in fields_of(line) if name == field}
        assert wanted & found, (field, wanted, found)


@pytest.mark.parametrize("file", QUERIES, ids=lambda file: file.stem)
def test_every_query_states_its_purpose_and_uses_known_commands(file: Any) -> None:
    query = file.read_text(encoding="utf-8")
    assert query.startswith("# ")
    assert not re.search(r"#", code_of(query))
    commands = [part.split()[0] for part in re.split(r"^\| |\A", code_of(query), flags=re.MULTILINE) if part.strip()]
    assert set(commands) <= COMMANDS


COUNTING = [file for file in QUERIES if re.search(r"^\| stats", file.read_text(encoding="utf-8"), re.MULTILINE)]


@pytest.mark.parametrize("file", COUNTING, ids=lambda file: file.stem)
def test_a_query_that_counts_requests_uses_the_weight_of_each_line(file: Any) -> None:
    """A line without a weight, of an older version, stands for one request."""
    query = code_of(file.read_text(encoding="utf-8"))
    found = re.search(r"\bfields coalesce\(weight, 1\) as (\w+)", query)
    assert found
    assert all(found[1] in summed for summed in re.findall(r"\bsum\(([^)]*)", query))
    assert re.findall(r"count\(\*\) as (\w+)", query) in ([], ["lines"])


def test_the_queries_that_on_call_needs_are_there() -> None:
    assert {file.stem for file in QUERIES} >= {
        "slowest-routes",
        "errors-with-trace",
        "cache-hit-ratio-by-minute",
        "one-request-by-id",
        "who-is-refused",
    }


def test_a_field_that_is_never_logged_is_found() -> None:
    query = '# one\nfields @timestamp, http.stauts as s\n| filter level = "ERROR" and ispresent(cache)\n| sort s desc'
    assert names_in(query) == {"@timestamp", "http.stauts", "level", "cache"}
