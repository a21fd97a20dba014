"""Routes with `api_key_required` open to the configured keys, and to nobody where none is configured."""

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
def test_each_configured_key_opens(configured: Client, name: str, key: str) -> None:
    if hasattr(configured, "invoke"):
        key = key.encode("latin-1").decode()  # an event holds text, where a socket has bytes
    response = configured.get("/locked", (name, key))
    assert (response.status, response.json()) == (200, {"open": True})


WRONG = ["", "wrong", "first-ke", "first-key1", "FIRST-KEY", "first-key, second-key", "first-key,", "none", "*", "\xff"]


@pytest.mark.parametrize("key", [None, *WRONG])
def test_anything_else_is_forbidden(configured: Client, key: str | None) -> None:
    response = configured.request("GET", "/locked", [("x-api-key", key)] if key is not None else [])
    assert (response.status, response.json()) == FORBIDDEN


@pytest.mark.parametrize("key", [None, "", "none", "first-key"])
def test_no_keys_configured_means_closed(unset: Client, key: str | None) -> None:
    response = unset.request("GET", "/locked", [("x-api-key", key)] if key is not None else [])
    assert (response.status, response.json()) == FORBIDDEN


@pytest.mark.parametrize("key", [None, "anything"])
def test_the_word_none_means_open(opened: Client, key: str | None) -> None:
    assert opened.request("GET", "/locked", [("x-api-key", key)] if key is not None else []).status == 200


def test_a_key_belongs_in_the_header(configured: Client) -> None:
    assert configured.get("/locked?x-api-key=first-key").status == 403


def test_routes_that_want_no_key_ask_for_none(configured: Client) -> None:
    assert configured.get("/mirror").status == 200
