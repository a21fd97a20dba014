"""A configured stage prefix is stripped, and shows up where API Gateway shows it."""

import pytest

from tests.contract.clients.client import GATEWAYS, Client, client_of

MIRROR = "tests.apps.mirror:app"

plain = client_of(MIRROR, GATEWAYS)
staged = client_of(MIRROR, GATEWAYS, BASE_PATH="/api", TRUSTED_PROXIES="1")
nested = client_of(MIRROR, GATEWAYS, BASE_PATH="/shop/v1/", TRUSTED_PROXIES="2")


@pytest.mark.parametrize(
    ("sent", "path", "resource"),
    [
        ("/api/mirror", "/mirror", "/mirror"),
        ("//api/mirror", "/mirror", "/mirror"),
        ("/api/mirror/", "/mirror/", "/mirror"),
        ("/api", "/", "/"),
        ("/api/", "/", "/"),
        ("/api/pets/api", "/pets/api", "/pets/{name}"),
        ("/api/files/api/x", "/files/api/x", "/files/{proxy+}"),
    ],
)
def test_the_prefix_is_stripped_once(staged: Client, sent: str, path: str, resource: str) -> None:
    event = staged.get(sent).json()["event"]
    assert (event["path"], event["resource"]) == (path, resource)
    assert (event["requestContext"]["path"], event["requestContext"]["stage"]) == (sent, "api")


@pytest.mark.parametrize("sent", ["/mirror", "/pets/dog"])
def test_what_comes_without_it_is_served_too(staged: Client, sent: str) -> None:
    """A load balancer's probes do."""
    event = staged.get(sent).json()["event"]
    assert (event["path"], event["requestContext"]["path"]) == (sent, sent)


@pytest.mark.parametrize("sent", ["/apimirror", "/api2/mirror", "/API/mirror", "/api/api/mirror", "/x/api/mirror"])
def test_what_only_looks_like_it_is_not_there(staged: Client, sent: str) -> None:
    assert staged.get(sent).status == 404


def test_a_prefix_may_have_several_segments(nested: Client) -> None:
    event = nested.get("/shop/v1/mirror").json()["event"]
    assert (event["path"], event["requestContext"]["stage"]) == ("/mirror", "shop-v1")
    assert nested.get("/shop/mirror").status == 404


def test_without_one_nothing_is_stripped(plain: Client) -> None:
    assert plain.get("/api/mirror").status == 404


@pytest.mark.parametrize("probe", ["/livez", "/readyz", "/api/livez", "/api/readyz"])
def test_probes_are_answered_with_it_and_without(staged: Client, probe: str) -> None:
    assert staged.get(probe).status == 200
