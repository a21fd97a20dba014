"""Which handler a path reaches, and with which parameters."""

import pytest

from tests.contract.clients.client import GATEWAYS, SERVERS, Client, ServerClient, client_of

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
    """The event has only the parameters of the route that was chosen."""
    seen = client.get(path).json()
    assert (seen["event"]["resource"], seen["event"]["requestContext"]["resourcePath"]) == (resource, resource)
    assert seen["event"]["pathParameters"] == seen["uri_params"] == parameters
    assert seen["captured"] == {name: value for name, value in (parameters or {}).items() if name != "proxy"}


@pytest.mark.parametrize("path", ["//mirror", "///mirror", "//pets/dog/toys"])
def test_several_leading_slashes_count_as_one(gateway: Client, path: str) -> None:
    assert gateway.get(path).json()["event"]["path"] == "/" + path.lstrip("/")


@pytest.mark.parametrize("target", ["http://other.example/pets/cat?x=1", "https://other.example:8443/pets/cat?x=1"])
def test_a_target_may_be_a_url(server: ServerClient, target: str) -> None:
    event = server.get(target).json()["event"]
    assert (event["path"], event["queryStringParameters"]) == ("/pets/cat", {"x": "1"})


@pytest.mark.parametrize(
    "value",
    ["a%20b", "a%2Fb", "a%2fb", "%41", "a+b", "%C3%A9", "%ff", "%00", "%", "%zz", "a%25b", "..", "~!$&'()*,;=:@"],
)
def test_parameters_stay_encoded_as_sent(client: Client, value: str) -> None:
    assert client.get(f"/pets/{value}").json()["captured"] == {"name": value}
    assert client.get(f"/files/x/{value}").json()["uri_params"] == {"proxy": f"x/{value}"}


def test_a_static_segment_may_be_percent_encoded(gateway: Client) -> None:
    assert gateway.get("/caf%C3%A9").json()["event"]["resource"] == "/café"
    assert gateway.get("/pets/%64og").json()["event"]["resource"] == "/pets/dog"


UNKNOWN = ["/nothing", "/pets", "/files", "/files/", "/mirror/x", "/Mirror", "/mirror%2F", "/routes/{x}", "/%2e%2e/x"]


@pytest.mark.parametrize("path", UNKNOWN)
@pytest.mark.parametrize("method", ["GET", "POST", "OPTIONS", "DELETE"])
def test_an_unknown_path_gets_404(gateway: Client, method: str, path: str) -> None:
    response = gateway.request(method, path)
    assert (response.status, response.json()) == (404, NOT_FOUND)
    assert response.header("content-type") == "application/json"


def test_unknown_paths_and_methods_never_grow_the_route_table(gateway: Client) -> None:
    before = gateway.get("/routes").json()
    for number in range(20):
        assert gateway.get(f"/unknown/{number}").status == 404
        assert gateway.request("DELETE", f"/head?{number}").status == 405
    assert gateway.get("/routes").json() == before


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
def test_another_method_gets_405_with_allow(gateway: Client, method: str, path: str, allow: str) -> None:
    response = gateway.request(method, path)
    assert (response.status, response.header("allow")) == (405, allow)
    assert response.body == (b"" if method == "HEAD" else b'{"message":"Method Not Allowed"}')
