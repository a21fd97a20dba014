"""Which handler a path reaches, and what of the path reaches the handler."""

import json

import pytest
from chalice.app import Chalice, RouteEntry
from hypothesis import given, settings
from hypothesis import strategies as st

from fargate.gateway.routing import RouteTable
from fargate.settings import Settings
from fargate.wsgi import create_wsgi_app
from tests.contract.clients.client import GATEWAYS, SERVERS, Client, ServerClient, client_of
from tests.contract.clients.resources import resource_of
from tests.fixtures.wsgi import call

MIRROR = "tests.apps.mirror:app"
NOT_FOUND = {"message": "Not Found"}

client = client_of(MIRROR)
gateway = client_of(MIRROR, GATEWAYS)
server = client_of(MIRROR, SERVERS)

REACHED = [
    ("/", "/", None),
    ("/mirror", "/mirror", None),
    ("/mirror/", "/mirror", None),
    ("/mirror//", "/mirror", None),
    ("/pets/dog", "/pets/dog", None),
    ("/pets/dog/", "/pets/dog", None),
    ("/pets/cat", "/pets/{name}", {"name": "cat"}),
    ("/pets/dogs", "/pets/{name}", {"name": "dogs"}),
    ("/pets/dog/toys", "/pets/dog/toys", None),
    ("/pets/dog/vet", "/pets/{name}/vet", {"name": "dog"}),
    ("/pets/cat/vet", "/pets/{name}/vet", {"name": "cat"}),
    ("/pets/dog/vet/3", "/pets/{name}/vet/{visit}", {"name": "dog", "visit": "3"}),
    ("/pets/dog/collar", "/pets/{proxy+}", {"proxy": "dog/collar"}),
    ("/pets/dog/vet/3/bill", "/pets/{proxy+}", {"proxy": "dog/vet/3/bill"}),
    ("/pets/dog/toys/ball", "/pets/{proxy+}", {"proxy": "dog/toys/ball"}),
    ("/files/a/b/c.txt", "/files/{proxy+}", {"proxy": "a/b/c.txt"}),
    ("/files/a//b", "/files/{proxy+}", {"proxy": "a//b"}),
    ("/pets/{name}", "/pets/{name}", {"name": "{name}"}),
]


@pytest.mark.parametrize(("path", "resource", "parameters"), REACHED, ids=[path for path, _, _ in REACHED])
def test_static_beats_parameter_beats_proxy_segment_by_segment(
    client: Client, path: str, resource: str, parameters: dict[str, str] | None
) -> None:
    """And nothing that a losing route captured is left in the event."""
    seen = client.get(path).json()
    assert (seen["event"]["resource"], seen["event"]["requestContext"]["resourcePath"]) == (resource, resource)
    assert seen["event"]["pathParameters"] == seen["uri_params"] == parameters
    assert seen["captured"] == {name: value for name, value in (parameters or {}).items() if name != "proxy"}


@pytest.mark.parametrize("path", ["//mirror", "///mirror", "//pets/dog/toys"])
def test_leading_slashes_count_as_one(gateway: Client, path: str) -> None:
    assert gateway.get(path).json()["event"]["path"] == "/" + path.lstrip("/")


@pytest.mark.parametrize("target", ["http://other.example/pets/cat?x=1", "https://other.example:8443/pets/cat?x=1"])
def test_a_whole_url_is_a_target_too(server: ServerClient, target: str) -> None:
    event = server.get(target).json()["event"]
    assert (event["path"], event["queryStringParameters"]) == ("/pets/cat", {"x": "1"})


@pytest.mark.parametrize(
    "value",
    ["a%20b", "a%2Fb", "a%2fb", "%41", "a+b", "%C3%A9", "%ff", "%00", "%", "%zz", "a%25b", "..", "~!$&'()*,;=:@"],
)
def test_captured_values_stay_as_they_were_sent(client: Client, value: str) -> None:
    assert client.get(f"/pets/{value}").json()["captured"] == {"name": value}
    assert client.get(f"/files/x/{value}").json()["uri_params"] == {"proxy": f"x/{value}"}


def test_a_static_segment_may_be_sent_encoded(gateway: Client) -> None:
    assert gateway.get("/caf%C3%A9").json()["event"]["resource"] == "/café"
    assert gateway.get("/pets/%64og").json()["event"]["resource"] == "/pets/dog"


UNKNOWN = ["/nothing", "/pets", "/files", "/files/", "/mirror/x", "/Mirror", "/mirror%2F", "/routes/{x}", "/%2e%2e/x"]


@pytest.mark.parametrize("path", UNKNOWN)
@pytest.mark.parametrize("method", ["GET", "POST", "OPTIONS", "DELETE"])
def test_an_unknown_path_is_404(gateway: Client, method: str, path: str) -> None:
    response = gateway.request(method, path)
    assert (response.status, response.json()) == (404, NOT_FOUND)
    assert response.header("content-type") == "application/json"


def test_unknown_paths_and_methods_never_grow_the_route_table(gateway: Client) -> None:
    before = gateway.get("/routes").json()
    for number in range(20):
        assert gateway.get(f"/unknown/{number}").status == 404
        assert gateway.request("DELETE", f"/head?{number}").status == 405
    assert gateway.get("/routes").json() == before


def test_thousands_of_unknown_paths_leave_the_app_as_it_was() -> None:
    app = Chalice("still")
    app.route("/{one}/two")(lambda one: one)
    wsgi_app = create_wsgi_app(app, Settings())
    for number in range(2000):
        assert call(wsgi_app, "GET", f"/{number}").status == 404
    assert list(app.routes) == ["/{one}/two"]


@pytest.mark.parametrize(
    ("method", "path", "allow"),
    [
        ("GET", "/json", "POST"),
        ("DELETE", "/head", "GET, HEAD"),
        ("HEAD", "/mirror", "DELETE, GET, PATCH, POST, PUT"),
        ("OPTIONS", "/mirror", "DELETE, GET, PATCH, POST, PUT"),
        ("TRACE", "/context", "GET"),
    ],
)
def test_another_method_is_405_with_those_there_are(gateway: Client, method: str, path: str, allow: str) -> None:
    response = gateway.request(method, path)
    assert (response.status, response.header("allow")) == (405, allow)
    assert response.body == (b"" if method == "HEAD" else b'{"message":"Method Not Allowed"}')


def test_no_route_is_given_a_parameter_named_by_another() -> None:
    """`{one}` and `{other}` share their place; each handler gets the name that it chose."""
    app = Chalice("names")
    app.route("/{one}/a")(lambda one: {"one": one})
    app.route("/{other}/b")(lambda other: {"other": other})
    wsgi_app = create_wsgi_app(app, Settings())
    assert json.loads(call(wsgi_app, "GET", "/x/a").body) == {"one": "x"}
    assert json.loads(call(wsgi_app, "GET", "/x/b").body) == {"other": "x"}


def test_what_a_parameter_is_called_does_not_make_it_plainer() -> None:
    app = Chalice("ranks")
    app.route("/{one}/{proxy+}")(lambda one: {"one": one})
    app.route("/{other}/a/{proxy+}")(lambda other: {"other": other})
    wsgi_app = create_wsgi_app(app, Settings())
    assert json.loads(call(wsgi_app, "GET", "/x/a/b").body) == {"other": "x"}
    assert json.loads(call(wsgi_app, "GET", "/x/b/b").body) == {"one": "x"}


segments = st.sampled_from(["a", "b", "c", "{p}", "{p}", "{q}"])
patterns = st.lists(
    st.builds(
        lambda head, proxy: "/" + "/".join([*head, *(["{proxy+}"] if proxy else [])]),
        st.lists(segments, max_size=3),
        st.booleans(),
    ).filter(lambda pattern: pattern.count("{p}") < 2 and pattern.count("{q}") < 2),
    min_size=1,
    max_size=8,
    unique_by=lambda pattern: pattern.replace("{q}", "{p}"),
)
paths = st.lists(st.sampled_from(["a", "b", "c", "d"]), max_size=5).map(lambda parts: "/" + "/".join(parts))


@given(patterns, paths)
@settings(max_examples=300, deadline=None)
def test_any_table_routes_as_trying_every_route_does(table: list[str], path: str) -> None:
    """Against the plainest way to say it: of the routes that match, the one with the plainest segments from left on."""
    entries = {pattern: {"GET": RouteEntry(print, "view", pattern, "GET")} for pattern in table}
    match = RouteTable(entries).match(path)
    try:
        expected = resource_of(table, path)
    except LookupError:
        assert match is None
    else:
        assert match is not None
        assert (match.route.pattern, match.parameters) == expected
