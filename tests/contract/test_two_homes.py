"""Two homes, same bytes: the shop answers alike on Lambda and from the container, through every door.

One story, told to each of them over the same stores emptied anew: every route, in success and in failure.
"""

import os
from collections.abc import Callable, Iterator
from typing import NamedTuple

import pytest
import redis
from pg8000.native import Connection

from chalicelib import bootstrap
from chalicelib.settings import read_settings
from chalicelib.web.entity_tags import etag_of
from tests.contract.doors import HOMES, Door, Doors
from tests.contract.messages import Answer, Request

KEY = ("x-api-key", "a-key-of-the-tests")
JSON = ("Content-Type", "application/json")
TV = b'{"id":1,"name":"Samsung TV","price":140}'
RADIO = '{"id":1,"name":"Radio \N{RADIO}","price":19.9}'.encode()
DETAILS = '{"name":"Radio \N{RADIO}","price":19.90}'.encode()

# What belongs to one request, one connection or one server.
OWN = {
    "connection",
    "content-length",
    "date",
    "keep-alive",
    "server",
    "x-amz-apigw-id",
    "x-amzn-requestid",
    "x-amzn-trace-id",
}


class Told(NamedTuple):
    """One answer, without what may differ."""

    status: int
    headers: list[tuple[str, str]]
    body: bytes


def write(method: str, path: str, body: bytes = b"", *headers: tuple[str, str]) -> Request:
    return Request(method, path, [KEY, JSON, *headers], body)


def read(path: str, *headers: tuple[str, str]) -> Request:
    return Request("GET", path, list(headers))


STORY: dict[str, Request] = {
    "what it is": read("/"),
    "how it is": read("/status"),
    "alive": read("/livez"),
    "ready": read("/readyz"),
    "described": read("/openapi.json"),
    "nothing yet": read("/products"),
    "no such product": read("/product/1"),
    "nothing to replace": write("PUT", "/product/1", DETAILS),
    "nothing to remove": write("DELETE", "/product/1"),
    "created": write("POST", "/data", TV),
    "created again": write("POST", "/data", TV),
    "another product there": write("POST", "/data", RADIO),
    "read": read("/product/1"),
    "read again": read("/product/1"),
    "not modified": read("/product/1", ("If-None-Match", etag_of(TV))),
    "modified": read("/product/1", ("If-None-Match", '"other"')),
    "replaced": write("PUT", "/product/1", DETAILS, ("If-Match", etag_of(TV))),
    "another version": write("PUT", "/product/1", DETAILS, ("If-Match", etag_of(TV))),
    "read after the change": read("/product/1"),
    "a page": read("/products?limit=1"),
    "past the page": read("/products?limit=1&after=1"),
    "a bad page": read("/products?limit=0&x=1"),
    "every fault": write("POST", "/data", b'{"id":0,"name":"","price":-1,"x":1}'),
    "no JSON": write("POST", "/data", b"{"),
    "no UTF-8": write("POST", "/data", b"\xff\xfe"),
    "no body": write("POST", "/data"),
    "another type": Request("POST", "/data", [KEY, ("Content-Type", "text/plain")], TV),
    "a bad id": read("/product/01"),
    "an encoded id": read("/product/%31"),
    "removed": write("DELETE", "/product/1"),
    "gone": read("/product/1"),
}

# What API Gateway answers by itself, and so never reaches the app on Lambda.
GATEWAYS_PART: dict[str, Request] = {
    "no such path": read("/nothing"),
    "no such method": Request("PATCH", "/product/1", [KEY]),
    "no key": Request("POST", "/data", [JSON], TV),
    "a wrong key": Request("POST", "/data", [JSON, ("x-api-key", "wrong")], TV),
}


@pytest.fixture(scope="module")
def environ(module_database_url: str, module_redis_url: str) -> dict[str, str]:
    return {"DATABASE_URL": module_database_url, "REDIS_URL": module_redis_url, "API_KEYS": KEY[1]}


@pytest.fixture
def home(doors: Doors, environ: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[str], Door]]:
    """Open the shop's door of a kind, over empty stores."""
    for name, value in environ.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(bootstrap, "_catalog", None)

    def opened(kind: str) -> Door:
        empty_stores()
        door: Door = doors.open(kind, "app:app", environ)
        return door

    yield opened
    if bootstrap._catalog is not None:
        bootstrap._catalog._store.close()


def empty_stores() -> None:
    settings = read_settings(os.environ)
    login, at = settings.database_credentials, settings.database
    with Connection(
        login.username, host=at.host, port=at.port, password=login.password, database=at.database
    ) as database:
        database.run("TRUNCATE products")
    with redis.Redis.from_url(settings.redis_url) as cache:
        cache.flushdb()


def told(answer: Answer) -> Told:
    headers = {name.lower(): value for name, value in answer.headers if name.lower() not in OWN}
    if answer.body:
        headers.setdefault("content-type", "application/json")  # as API Gateway does for what Lambda returned
    return Told(answer.status, sorted(headers.items()), answer.body)


def tell(door: Door, story: dict[str, Request]) -> dict[str, Told]:
    return {chapter: told(door.ask(request)) for chapter, request in story.items()}


@pytest.fixture(scope="module")
def expected() -> dict[str, dict[str, Told]]:
    """What the first home answered, by story; each later one is held against it."""
    return {}


@pytest.mark.parametrize("kind", HOMES)
def test_the_whole_story_reads_the_same(
    kind: str, home: Callable[[str], Door], expected: dict[str, dict[str, Told]]
) -> None:
    answers = tell(home(kind), STORY)
    assert expected.setdefault("story", answers) == answers
    assert [answers[chapter].status for chapter in ("created", "not modified", "replaced", "removed")] == [
        201,
        304,
        200,
        204,
    ]
    assert all(each.status < 500 for each in answers.values())


@pytest.mark.parametrize("kind", [kind for kind in HOMES if kind != "lambda"])
def test_so_does_what_api_gateway_answers_by_itself(
    kind: str, home: Callable[[str], Door], expected: dict[str, dict[str, Told]]
) -> None:
    answers = tell(home(kind), GATEWAYS_PART)
    assert expected.setdefault("gateway", answers) == answers
    assert [each.status for each in answers.values()] == [404, 405, 403, 403]


@pytest.mark.parametrize("kind", HOMES)
def test_metrics_are_in_the_same_format(kind: str, home: Callable[[str], Door]) -> None:
    answer = home(kind).get("/metrics")
    assert answer.status == 200
    assert answer.header("content-type") == "text/plain; version=0.0.4; charset=utf-8"
    assert b"python_info" in answer.body
