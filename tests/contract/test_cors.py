"""Which origins may read an answer: preflights are the gateway's, and its own errors can be read too."""

import pytest

from tests.contract.doors import GATEWAYS, SERVERS, Door, door

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

any_door = door(CORS)
gateway = door(CORS, GATEWAYS)
server = door(CORS, SERVERS, MAX_BODY_BYTES="1000")


def access_control(answer) -> dict[str, str]:
    lower = {name.lower(): name for name in (*PARTNER, "Access-Control-Allow-Methods")}
    return {
        lower.get(name.lower(), name): value
        for name, value in answer.headers
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
def test_a_preflight_needs_no_key_token_or_view(gateway: Door, path: str, methods: str, allowed: dict) -> None:
    answer = gateway.send("OPTIONS", path, PREFLIGHT)
    assert (answer.status, answer.body) == (200, b"")
    assert access_control(answer) == {"Access-Control-Allow-Methods": methods, **allowed}


def test_a_preflight_runs_no_middleware(gateway: Door) -> None:
    gateway.send("OPTIONS", "/anyone", PREFLIGHT)
    assert "OPTIONS" not in gateway.get("/anyone").json()["calls"]


def test_an_app_may_answer_preflights_itself(any_door: Door) -> None:
    assert any_door.send("OPTIONS", "/own", PREFLIGHT).json() == {"own": "OPTIONS"}


def test_without_cors_there_is_no_preflight(gateway: Door) -> None:
    answer = gateway.send("OPTIONS", "/nobody", PREFLIGHT)
    assert (answer.status, answer.header("allow"), access_control(answer)) == (405, "GET", {})


@pytest.mark.parametrize(("path", "allowed"), [("/anyone", ANYONE), ("/partner", PARTNER), ("/nobody", {})])
def test_an_answer_says_who_may_read_it(any_door: Door, path: str, allowed: dict) -> None:
    answer = any_door.get(path)
    assert (answer.status, access_control(answer)) == (200, allowed)


@pytest.mark.parametrize(
    ("method", "path", "status", "allowed"),
    [
        ("GET", "/key", 403, PARTNER),
        ("GET", "/iam", 403, PARTNER),
        ("GET", "/escape", 502, PARTNER),
        ("DELETE", "/partner", 405, PARTNER),
        ("DELETE", "/nobody", 405, {}),
        ("GET", "/nothing", 404, {}),
    ],
)
def test_so_do_the_gateways_own_errors(gateway: Door, method: str, path: str, status: int, allowed: dict) -> None:
    answer = gateway.send(method, path)
    assert (answer.status, access_control(answer)) == (status, allowed)


def test_an_error_of_the_app_can_be_read_as_on_lambda(any_door: Door) -> None:
    answer = any_door.get("/missing")
    assert (answer.status, access_control(answer)) == (404, PARTNER)
    refused = any_door.post("/large", b"a: b", ("Content-Type", "text/yaml"))
    assert (refused.status, access_control(refused)) == (415, PARTNER)
