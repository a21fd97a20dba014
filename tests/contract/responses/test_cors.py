"""CORS: preflights get the gateway's response, and its errors have CORS headers too."""

import pytest

from tests.contract.clients.client import GATEWAYS, SERVERS, Client, client_of

CORS = "tests.apps.cors:app"
ALLOWED = "Authorization,Content-Type,X-Amz-Date,X-Amz-Security-Token,X-Api-Key"
ANYONE = {"Access-Control-Allow-Origin": "*", "Access-Control-Allow-Headers": ALLOWED}
PARTNER = {
    "Access-Control-Allow-Origin": "https://partner.example",
    "Access-Control-Allow-Headers": f"{ALLOWED},X-Special",
    "Access-Control-Expose-Headers": "X-Total,X-Page",
    "Access-Control-Max-Age": "600",
    "Access-Control-Allow-Credentials": "true",
}
PREFLIGHT = [("Origin", "https://shop.example"), ("Access-Control-Request-Method", "GET")]

client = client_of(CORS)
gateway = client_of(CORS, GATEWAYS)
server = client_of(CORS, SERVERS, MAX_BODY_BYTES="1000")


def access_control(response) -> dict[str, str]:
    lower = {name.lower(): name for name in (*PARTNER, "Access-Control-Allow-Methods")}
    return {
        lower.get(name.lower(), name): value
        for name, value in response.headers
        if name.lower().startswith("access-control-")
    }


@pytest.mark.parametrize(
    ("path", "methods", "allowed"),
    [
        ("/anyone", "GET,PUT,OPTIONS", ANYONE),
        ("/partner", "GET,OPTIONS", PARTNER),
        ("/mixed", "GET,OPTIONS", ANYONE),
        ("/key", "GET,OPTIONS", PARTNER),
        ("/iam", "GET,OPTIONS", PARTNER),
    ],
)
def test_a_preflight_needs_no_key_token_or_view(gateway: Client, path: str, methods: str, allowed: dict) -> None:
    response = gateway.request("OPTIONS", path, PREFLIGHT)
    assert (response.status, response.body) == (200, b"")
    assert access_control(response) == {"Access-Control-Allow-Methods": methods, **allowed}


def test_a_preflight_runs_no_middleware(gateway: Client) -> None:
    gateway.request("OPTIONS", "/anyone", PREFLIGHT)
    assert "OPTIONS" not in gateway.get("/anyone").json()["calls"]


def test_an_app_may_handle_preflights_itself(client: Client) -> None:
    assert client.request("OPTIONS", "/own", PREFLIGHT).json() == {"own": "OPTIONS"}


def test_without_cors_a_preflight_gets_405(gateway: Client) -> None:
    response = gateway.request("OPTIONS", "/closed", PREFLIGHT)
    assert (response.status, response.header("allow"), access_control(response)) == (405, "GET", {})


@pytest.mark.parametrize(("path", "allowed"), [("/anyone", ANYONE), ("/partner", PARTNER), ("/closed", {})])
def test_a_response_has_the_headers_of_its_route(client: Client, path: str, allowed: dict) -> None:
    response = client.get(path)
    assert (response.status, access_control(response)) == (200, allowed)


@pytest.mark.parametrize(
    ("method", "path", "status", "allowed"),
    [
        ("GET", "/key", 403, PARTNER),
        ("GET", "/iam", 403, PARTNER),
        ("GET", "/escape", 502, PARTNER),
        ("DELETE", "/partner", 405, PARTNER),
        ("DELETE", "/closed", 405, {}),
        ("GET", "/nothing", 404, {}),
    ],
)
def test_so_have_the_gateways_own_errors(gateway: Client, method: str, path: str, status: int, allowed: dict) -> None:
    response = gateway.request(method, path)
    assert (response.status, access_control(response)) == (status, allowed)


def test_so_have_the_apps_errors(client: Client) -> None:
    response = client.get("/missing")
    assert (response.status, access_control(response)) == (404, PARTNER)
    refused = client.post("/large", b"a: b", ("Content-Type", "text/yaml"))
    assert (refused.status, access_control(refused)) == (415, PARTNER)
