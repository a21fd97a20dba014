"""The shop's responses are the same in every runtime: in containers and on Lambda."""

import os
from collections.abc import Callable, Iterator

import pytest
import redis
from pg8000.native import Connection

from chalicelib import bootstrap
from chalicelib.settings import read_settings
from tests.contract.clients.client import GATEWAYS, RUNTIMES, Client, Clients
from tests.contract.clients.messages import Request
from tests.contract.runtimes.story import GATEWAY_STORY, KEY, STORY, Compared, play

STATUSES = {
    "created": 201,
    "not modified": 304,
    "not modified, by the first of two lines": 304,
    "another version to read": 412,
    "removed by a version": 412,
    "created over": 412,
    "no list of versions": 400,
    "replaced": 200,
    "replaced as it was read": 200,
    "replaced under another id": 400,
    "compressed": 415,
    "the page not modified": 304,
    "removed": 204,
}

Start = Callable[[str], Client]


@pytest.fixture(scope="module")
def environ(module_database_url: str, module_redis_url: str) -> dict[str, str]:
    return {"DATABASE_URL": module_database_url, "REDIS_URL": module_redis_url, "API_KEYS": KEY[1]}


@pytest.fixture
def start(clients: Clients, environ: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> Iterator[Start]:
    """Return a client for the shop in a runtime, with empty stores."""
    for name, value in environ.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(bootstrap, "_catalog", None)

    def started(kind: str) -> Client:
        empty_stores()
        client: Client = clients.open(kind, "app:app", environ)
        return client

    yield started
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


@pytest.fixture(scope="module")
def expected() -> dict[str, dict[str, Compared]]:
    """The first runtime's responses, by story; those of the others are compared with them."""
    return {}


@pytest.mark.parametrize("kind", RUNTIMES)
def test_every_route_responds_the_same(kind: str, start: Start, expected: dict[str, dict[str, Compared]]) -> None:
    responses = play(start(kind), STORY)
    assert expected.setdefault("story", responses) == responses
    assert {chapter: responses[chapter].status for chapter in STATUSES} == STATUSES
    assert all(each.status < 500 for each in responses.values())
    for chapter, response in responses.items():
        assert response.cache_control == policy_of(STORY[chapter], response), chapter
        if chapter.startswith("head of "):
            of_get = responses[chapter.removeprefix("head of ")]
            assert response == of_get._replace(body=b""), chapter


def policy_of(request: Request, response: Compared) -> str:
    """Caches keep products and pages, and ask for them again by their tags; they keep nothing else."""
    is_read = request.method in ("GET", "HEAD") and request.path.startswith("/product")
    return "no-cache" if is_read and response.status in (200, 304) else "no-store"


@pytest.mark.parametrize("kind", GATEWAYS)
def test_the_gateway_responds_the_same(kind: str, start: Start, expected: dict[str, dict[str, Compared]]) -> None:
    responses = play(start(kind), GATEWAY_STORY)
    assert expected.setdefault("gateway", responses) == responses
    assert [each.status for each in responses.values()] == [404, 405, 403, 403]
    assert {each.cache_control for each in responses.values()} == {"no-store"}


@pytest.mark.parametrize("kind", RUNTIMES)
def test_metrics_have_the_same_format(kind: str, start: Start) -> None:
    response = start(kind).get("/metrics")
    assert (response.status, response.header("cache-control")) == (200, "no-store")
    assert response.header("content-type") == "text/plain; version=0.0.4; charset=utf-8"
    assert b"python_info" in response.body
