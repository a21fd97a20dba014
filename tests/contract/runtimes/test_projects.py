"""Chalice projects as their authors write them: what is not as in the shop, in every runtime that it concerns.

Servers run in the project's folder, where they find `.chalice/config.json` and `vendor/`.
"""

import json
from typing import Any

import pytest

from tests.contract.clients.client import (
    GATEWAYS,
    PROJECTS,
    RUNTIMES,
    SERVERS,
    Client,
    Clients,
    ServerClient,
    client_of,
)

vendored = client_of(f"{PROJECTS}vendored.app:app", SERVERS)

catch_all = client_of(f"{PROJECTS}catch_all.app:app", GATEWAYS, BASE_PATH="/api")
subclassed = client_of(f"{PROJECTS}subclassed.app:app", RUNTIMES)
graphql = client_of(f"{PROJECTS}graphql.app:app", RUNTIMES)
balanced = client_of(f"{PROJECTS}balanced.app:app", SERVERS, TRUSTED_PROXIES="1")
unaware = client_of(f"{PROJECTS}balanced.app:app", SERVERS)
on_mangum = client_of(f"{PROJECTS}balanced.app:app", ("mangum",))

CHAIN = ("X-Forwarded-For", "203.0.113.7")


@pytest.mark.parametrize(
    ("kind", "environ", "seen"),
    [
        ("waitress", {}, {"TABLE": "orders", "TOPIC": "${TOPIC}"}),
        ("uvicorn", {"CHALICE_STAGE": "prod"}, {"TABLE": "orders-prod", "TOPIC": "${TOPIC}"}),
        ("granian", {"TABLE": "mine", "TOPIC": "", "TRUSTED_PROXIES": "0"}, {"TABLE": "mine", "TOPIC": ""}),
    ],
)
def test_the_variables_of_a_stage_are_there_unless_the_process_has_its_own(
    kind: str, environ: dict[str, str], seen: dict[str, str], clients: Clients
) -> None:
    """Also those of the adapter, and of the C library. Its port is the container's, whatever PORT is in the project."""
    client = clients.open(kind, f"{PROJECTS}settings.app:app", environ)
    client_address = "127.0.0.1" if "TRUSTED_PROXIES" in environ else CHAIN[1]
    answer = client.get("/", CHAIN).json()
    assert answer == {**seen, "PORT": str(client.server.port), "zone": "XYZ", "client": client_address}


def test_vendored_packages_are_imported_before_installed_ones(vendored: Client) -> None:
    assert vendored.get("/").json() == {"text": "Hello world", "six": "vendored"}


@pytest.mark.parametrize(
    ("method", "path", "status", "body"),
    [
        ("GET", "/livez", 200, {"message": "OK"}),
        ("GET", "/readyz", 200, {"message": "OK"}),
        ("GET", "/api/readyz", 200, {"message": "OK"}),
        ("POST", "/readyz", 405, {"message": "Method Not Allowed"}),
        ("GET", "/docs", 200, {"to": "https://docs.example"}),
        ("GET", "/livez2", 404, {"Code": "NotFoundError", "Message": "no link livez2"}),
        ("GET", "/x/livez", 200, {"file": "x/livez"}),
    ],
)
def test_a_route_for_every_path_takes_no_probe(
    catch_all: Client, method: str, path: str, status: int, body: dict[str, str]
) -> None:
    response = catch_all.request(method, path)
    assert (response.status, response.json()) == (status, body)


def test_a_subclass_keeps_what_it_changes(subclassed: Client) -> None:
    response = subclassed.get("/names/a%20b", ("X-Site", "shop.example"))
    assert response.json() == {
        "name": "a b",
        "here": "https://shop.example/names?in_time",
        "home": "https://public.example/",
        "routes": ["/names/{name}", "/background"],
    }
    assert response.header("x-here") == "https://shop.example/?in_time"


def test_outside_a_request_there_is_what_the_subclass_has_set(subclassed: Client) -> None:
    """On Lambda, which serves one request at a time, a thread sees that one."""
    url = subclassed.get("/background", ("X-Site", "shop.example")).json()["url"]
    on_lambda = type(subclassed).__name__ == "LambdaClient"
    assert url == ("https://shop.example/?in_time" if on_lambda else "https://public.example/")


BALANCED = (CHAIN, ("X-Forwarded-Proto", "https"), ("X-Forwarded-Port", "443"))


def test_an_app_sees_what_its_balancer_saw(balanced: ServerClient) -> None:
    response = balanced.get("/old", *BALANCED)
    assert (response.header("location"), response.body) == ("https://shop.example:443/new", CHAIN[1].encode())
    assert "TRUSTED_PROXIES" not in balanced.server.output()


def test_a_balancer_that_the_settings_do_not_know_is_said_once(unaware: ServerClient) -> None:
    port = unaware.server.port
    for _ in range(2):
        assert unaware.get("/old", *BALANCED).header("location") == f"http://shop.example:{port}/new"
    assert unaware.get("/old", ("X-Request-Id", "the-last")).status == 308
    output = unaware.server.awaited_output("the-last")
    assert output.count("TRUSTED_PROXIES is 0") == 1
    assert f"the app sees the client 127.0.0.1, http and port {port}" in output


def test_on_lambda_there_is_nothing_to_set(on_mangum: Client, caplog: pytest.LogCaptureFixture) -> None:
    """AWS has set the headers of its events."""
    assert on_mangum.get("/old").header("location") == "https://shop.example:443/new"
    assert "TRUSTED_PROXIES" not in caplog.text


RENAME = "mutation Rename($name: String!) { rename(id: 2, name: $name) { name } }"
JSON, GRAPHQL = "application/json", "application/graphql"


@pytest.mark.parametrize(
    ("content_type", "body", "status", "answer"),
    [
        (GRAPHQL, "{ product(id: 2) { name } caller }", 200, {"product": {"name": "R\u00e1dio"}, "caller": "tests/1"}),
        (JSON, {"query": "{ product(id: 7) { name } }"}, 200, {"product": None}),
        (
            f"{JSON}; charset=utf-8",
            {"query": RENAME, "variables": {"name": "\U0001f4fb"}},
            200,
            {"rename": {"name": "\U0001f4fb"}},
        ),
        (JSON, {"query": "{ product }"}, 400, None),
    ],
)
def test_a_graphql_endpoint(graphql: Client, content_type: str, body: Any, status: int, answer: Any) -> None:
    sent = body if isinstance(body, str) else json.dumps(body, ensure_ascii=False)
    response = graphql.post("/graphql", sent.encode(), ("Content-Type", content_type), ("User-Agent", "tests/1"))
    assert (response.status, response.json().get("data")) == (status, answer)
    assert ("errors" in response.json()) == (answer is None)
    assert response.header("access-control-allow-origin") == "*"


def test_a_graphql_endpoint_has_a_page_and_refuses_forms(graphql: Client) -> None:
    assert graphql.get("/graphql").body == b"<title>GraphQL</title>"
    assert graphql.post("/graphql", b"query=x", ("Content-Type", "application/x-www-form-urlencoded")).status == 415
