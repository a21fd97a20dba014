"""Every server serves an app that is not the shop, in another folder, without an import of the adapter."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx
import pytest

from fargate.settings import Server as Kind
from tests.fixtures.servers import Server, serving

THATAPP = """
from chalice import AuthResponse, AuthRoute, Blueprint, Chalice, Response

app = Chalice(app_name="thatapp")
extra = Blueprint(__name__)


@app.authorizer(ttl_seconds=60)
def doorman(request):
    if request.token == "allow":
        return AuthResponse(routes=[AuthRoute("/private/*", ["GET"])], principal_id="alice", context={"colour": "red"})
    return AuthResponse(routes=[], principal_id="nobody")


@app.route("/hello/{name}", cors=True)
def hello(name):
    return {"hello": name, "from": app.current_request.context["identity"]["sourceIp"]}


@app.route("/private/{room}", authorizer=doorman)
def private(room):
    return {"room": room, "who": app.current_request.context["authorizer"]}


@app.route("/picture", methods=["GET", "POST"], content_types=["image/png", "application/json"])
def picture():
    if app.current_request.method == "POST":
        return Response(bytes(reversed(app.current_request.raw_body)), {"Content-Type": "image/png"})
    return Response(b"\\x89PNG\\x00\\xff", {"Content-Type": "image/png"})


@extra.route("/sum/{a}/{b}")
def add(a, b):
    return {"sum": int(a) + int(b), "path": extra.current_request.context["path"]}


app.register_blueprint(extra, url_prefix="/extra")
"""


@pytest.fixture(scope="module", params=list(Kind))
def server(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    folder: Path = tmp_path_factory.mktemp("elsewhere")
    (folder / "thatapp.py").write_text(THATAPP)
    with serving({"PYTHONPATH": str(folder), "THREADS": "8"}, "thatapp:app", "--server", request.param) as server:
        yield server


@pytest.fixture
def client(server: Server) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=server.url, timeout=10) as client:
        yield client


def test_each_client_gets_its_own_response(client: httpx.Client) -> None:
    with ThreadPoolExecutor(16) as pool:
        answers = list(pool.map(lambda n: client.get(f"/hello/{n}").json()["hello"], range(200)))
    assert answers == [str(n) for n in range(200)]


def test_its_authorizer_allows_and_denies(client: httpx.Client) -> None:
    assert client.get("/private/attic").status_code == 401
    assert client.get("/private/attic", headers={"authorization": "deny"}).status_code == 403
    answer = client.get("/private/attic", headers={"authorization": "allow"})
    assert answer.status_code == 200
    assert answer.json()["who"] == {"principalId": "alice", "colour": "red"}


def test_its_cors_headers_are_sent(client: httpx.Client) -> None:
    assert client.get("/hello/x").headers["access-control-allow-origin"] == "*"
    preflight = client.options("/hello/x")
    assert (preflight.status_code, preflight.headers["access-control-allow-methods"]) == (200, "GET,OPTIONS")


def test_binary_bodies_are_unchanged(client: httpx.Client) -> None:
    assert client.get("/picture", headers={"accept": "image/png"}).content == b"\x89PNG\x00\xff"
    sent = bytes(range(256))
    headers = {"accept": "image/png", "content-type": "image/png"}
    assert client.post("/picture", content=sent, headers=headers).content == sent[::-1]


def test_its_blueprint_is_served_under_its_prefix(client: httpx.Client) -> None:
    assert client.get("/extra/sum/2/3").json() == {"sum": 5, "path": "/extra/sum/2/3"}
