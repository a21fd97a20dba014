"""Routes with `api_key_required` need a configured key; without any configured, they are closed."""

import pytest

from tests.contract.clients.client import GATEWAYS, Client, client_of

MIRROR = "tests.apps.mirror:app"
KEYS = {"API_KEYS": "first-key, second-key,cl\u00e9"}
FORBIDDEN = (403, {"message": "Forbidden"})

unset = client_of(MIRROR, GATEWAYS)
configured = client_of(MIRROR, GATEWAYS, **KEYS)
opened = client_of(MIRROR, GATEWAYS, API_KEYS="none")


@pytest.mark.parametrize("key", ["first-key", "second-key", "cl\u00e9".encode().decode("latin-1")])
@pytest.mark.parametrize("name", ["x-api-key", "X-API-KEY"])
def test_each_configured_key_is_accepted(configured: Client, name: str, key: str) -> None:
    if hasattr(configured, "invoke"):
        key = key.encode("latin-1").decode()  # an event has text, a socket bytes
    response = configured.get("/locked", (name, key))
    assert (response.status, response.json()) == (200, {"open": True})


WRONG = ["", "wrong", "first-ke", "first-key1", "FIRST-KEY", "first-key, second-key", "first-key,", "none", "*", "\xff"]


@pytest.mark.parametrize("key", [None, *WRONG])
def test_any_other_value_is_forbidden(configured: Client, key: str | None) -> None:
    response = configured.request("GET", "/locked", [("x-api-key", key)] if key is not None else [])
    assert (response.status, response.json()) == FORBIDDEN


@pytest.mark.parametrize("key", [None, "", "none", "first-key"])
def test_without_configured_keys_every_value_is_forbidden(unset: Client, key: str | None) -> None:
    response = unset.request("GET", "/locked", [("x-api-key", key)] if key is not None else [])
    assert (response.status, response.json()) == FORBIDDEN


@pytest.mark.parametrize("key", [None, "anything"])
def test_api_keys_none_accepts_every_request(opened: Client, key: str | None) -> None:
    assert opened.request("GET", "/locked", [("x-api-key", key)] if key is not None else []).status == 200


def test_a_key_in_the_query_does_not_count(configured: Client) -> None:
    assert configured.get("/locked?x-api-key=first-key").status == 403


def test_other_routes_need_no_key(configured: Client) -> None:
    assert configured.get("/mirror").status == 200
