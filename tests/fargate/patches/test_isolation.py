"""No request sees another's data, however many threads serve at the same time."""

import json
import random
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import httpx
import pytest
from chalice.app import Chalice

from fargate.settings import Server as Kind
from fargate.wsgi import create_wsgi_app
from tests.fixtures.servers import Server, serving
from tests.fixtures.wsgi import post

CLIENTS = 64
TURNS = 4


@pytest.fixture(scope="module", params=list(Kind))
def server(request: pytest.FixtureRequest) -> Iterator[Server]:
    with serving({"THREADS": "16", "SERVER": request.param}, "tests.apps.echo:app") as server:
        yield server


def ask(client: httpx.Client, url: str, name: str, route: str) -> None:
    """Send a unique request and compare the response with it."""
    response = client.post(f"{url}/{route}/{name}?pause=0.001", content=name, headers={"x-mark": name})
    answer = response.json()
    assert response.headers["x-mark"] == f"{name}/{name}/" + "MultiDict({'pause': ['0.001']})"
    assert answer["name"] == name
    assert answer["before"] == answer["after"]
    assert answer["after"] == {
        "body": name,
        "params": {"name": name},
        "mark": name,
        "request_id": response.headers["x-amzn-requestid"],
        "context_id": response.headers["x-amzn-requestid"],
    }


def test_app_middleware_and_blueprints_see_their_own_request_only(server: Server) -> None:
    def client(number: int) -> None:
        with httpx.Client(timeout=30) as session:
            for turn in range(TURNS):
                for route in ("echo", "blue"):
                    ask(session, server.url, f"{number}-{turn}-{random.random()}", route)

    with ThreadPoolExecutor(CLIENTS) as pool:
        list(pool.map(client, range(CLIENTS)))


def test_without_isolation_requests_see_each_others_data(monkeypatch: pytest.MonkeyPatch) -> None:
    """The negative control."""
    monkeypatch.setattr("fargate.gateway.core.isolate", lambda app: None)
    app = Chalice("leaky")

    @app.route("/echo/{name}", methods=["POST"])
    def echo(name: str) -> str:
        time.sleep(0.001)
        assert app.current_request is not None
        return app.current_request.raw_body.decode()

    wsgi_app = create_wsgi_app(app)

    def call(name: str) -> bool:
        return post(wsgi_app, f"/echo/{name}", name.encode()).body == name.encode()

    with ThreadPoolExecutor(CLIENTS) as pool:
        assert not all(pool.map(call, map(str, range(2000))))


class WithProperty(Chalice):
    """It knows its request in a way of its own, which does not count here."""

    @property
    def current_request(self) -> None:  # type: ignore[override]
        raise RuntimeError("no request")


@pytest.mark.parametrize("kind", [Chalice, WithProperty])
def test_outside_a_request_there_is_no_current_request(kind: type[Chalice]) -> None:
    app = kind("quiet")
    create_wsgi_app(app)
    with pytest.raises(AttributeError, match="current_request"):
        _ = app.current_request


def test_outside_a_request_there_is_what_the_app_has_set_before() -> None:
    app = Chalice("quiet")
    app.current_request = None

    @app.route("/{name}", methods=["POST"])
    def handler(name: str) -> str:
        assert app.current_request is not None
        return name

    assert post(create_wsgi_app(app), "/x", b"").status == 200
    assert app.current_request is None


def test_two_apps_in_one_process_do_not_mix() -> None:
    one, two = Chalice("one"), Chalice("two")

    @one.route("/{name}", methods=["POST"])
    def outer(name: str) -> dict:
        inner = json.loads(post(serve_two, "/inside", b"").body)
        assert one.current_request is not None
        return {"outer": one.current_request.context["path"], **inner}

    @two.route("/{name}", methods=["POST"])
    def inner(name: str) -> dict:
        assert two.current_request is not None
        return {"inner": two.current_request.context["path"]}

    serve_one, serve_two = create_wsgi_app(one), create_wsgi_app(two)
    assert json.loads(post(serve_one, "/outside", b"").body) == {"outer": "/outside", "inner": "/inside"}
