"""The client's address: the peer, or what trusted proxies have added to X-Forwarded-For; never what a client sent."""

import pytest

from tests.contract.clients.client import SERVERS, ServerClient, client_of
from tests.contract.clients.messages import Headers

MIRROR = "tests.apps.mirror:app"
SELF = "127.0.0.1"
FORGED, CLIENT, PROXY = "10.9.9.9", "203.0.113.7", "198.51.100.4"

direct = client_of(MIRROR, SERVERS)
balanced = client_of(MIRROR, SERVERS, BASE_PATH="/api", TRUSTED_PROXIES="1")
distributed = client_of(MIRROR, SERVERS, BASE_PATH="/shop/v1/", TRUSTED_PROXIES="2")


def source_of(client: ServerClient, *forwarded: str) -> str:
    headers: Headers = [("X-Forwarded-For", value) for value in forwarded]
    event = client.request("GET", "/mirror", headers).json()["event"]
    source: str = event["requestContext"]["identity"]["sourceIp"]
    return source


@pytest.mark.parametrize("forwarded", [[], [FORGED], [f"{FORGED}, {CLIENT}"], [FORGED, CLIENT], [""], ["unknown"]])
def test_without_trusted_proxies_it_is_the_peer(direct: ServerClient, forwarded: list[str]) -> None:
    assert source_of(direct, *forwarded) == SELF


def test_without_trusted_proxies_forged_headers_do_not_reach_the_app(direct: ServerClient) -> None:
    forged: Headers = [("X-Forwarded-For", FORGED), ("X-Forwarded-Proto", "https"), ("X-Forwarded-Port", "443")]
    event = direct.request("GET", "/mirror", forged).json()["event"]
    port = str(direct.server.port)
    for name, value in (("X-Forwarded-For", SELF), ("X-Forwarded-Proto", "http"), ("X-Forwarded-Port", port)):
        assert (event["headers"][name], event["multiValueHeaders"][name]) == (value, [value])


@pytest.mark.parametrize(
    ("forwarded", "source"),
    [
        ([], SELF),
        ([CLIENT], CLIENT),
        ([f"{FORGED}, {CLIENT}"], CLIENT),
        ([f"{FORGED},{FORGED} ,\t{CLIENT}"], CLIENT),
        ([FORGED, CLIENT], CLIENT),
        ([f"{FORGED}, {FORGED}", CLIENT], CLIENT),
        (["2001:db8::7"], "2001:db8::7"),
        (["1" * 40_000], "1" * 64),
    ],
)
def test_behind_one_proxy_it_is_the_last_address(balanced: ServerClient, forwarded: list[str], source: str) -> None:
    assert source_of(balanced, *forwarded) == source


@pytest.mark.parametrize(
    ("forwarded", "source"),
    [
        ([], SELF),
        ([f"{CLIENT}, {PROXY}"], CLIENT),
        ([f"{FORGED}, {CLIENT}, {PROXY}"], CLIENT),
        ([FORGED, f"{CLIENT}, {PROXY}"], CLIENT),
        ([FORGED, CLIENT, PROXY], CLIENT),
        ([PROXY], PROXY),
    ],
)
def test_behind_two_proxies_it_is_the_last_but_one(
    distributed: ServerClient, forwarded: list[str], source: str
) -> None:
    assert source_of(distributed, *forwarded) == source


def test_headers_of_a_trusted_proxy_reach_the_app(balanced: ServerClient) -> None:
    said: Headers = [("X-Forwarded-For", CLIENT), ("X-Forwarded-Proto", "https"), ("X-Forwarded-Port", "443")]
    headers = balanced.request("GET", "/mirror", said).json()["event"]["headers"]
    assert [headers[name] for name, _ in said] == [value for _, value in said]
