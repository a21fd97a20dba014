"""BASE_PATH is a stage prefix: stripped from paths, and shown in the event as API Gateway does."""

import pytest

from tests.contract.clients.client import GATEWAYS, Client, MangumClient, client_of

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
def test_paths_without_it_are_served_too(staged: Client, sent: str) -> None:
    """A load balancer's probes have no prefix."""
    event = staged.get(sent).json()["event"]
    assert (event["path"], event["requestContext"]["path"]) == (sent, sent)


@pytest.mark.parametrize("sent", ["/apimirror", "/api2/mirror", "/API/mirror", "/api/api/mirror", "/x/api/mirror"])
def test_similar_prefixes_are_not_stripped(staged: Client, sent: str) -> None:
    assert staged.get(sent).status == 404


def test_a_prefix_may_have_several_segments(nested: Client) -> None:
    event = nested.get("/shop/v1/mirror").json()["event"]
    stage = "api" if isinstance(nested, MangumClient) else "shop-v1"  # on Lambda API Gateway's own
    assert (event["path"], event["requestContext"]["stage"]) == ("/mirror", stage)
    assert nested.get("/shop/mirror").status == 404


def test_without_the_setting_nothing_is_stripped(plain: Client) -> None:
    assert plain.get("/api/mirror").status == 404


@pytest.mark.parametrize("probe", ["/livez", "/readyz", "/api/livez", "/api/readyz"])
def test_probes_work_with_and_without_it(staged: Client, probe: str) -> None:
    assert staged.get(probe).status == 200
