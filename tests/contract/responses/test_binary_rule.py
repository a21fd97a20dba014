"""Who gets bytes: by default every client, with BINARY_MEDIA_TYPES=strict the clients that API Gateway gives them."""

import base64

import pytest

from tests.contract.clients.client import GATEWAYS, Client, client_of

PICTURE = bytes(range(256))
PATH = "/pictures/x.png"

lenient = client_of("tests.apps.media:app", GATEWAYS)
strict = client_of("tests.apps.media:app", GATEWAYS, BINARY_MEDIA_TYPES="strict")


def stored(client: Client, content_type: str, body: bytes = PICTURE) -> dict:
    response = client.request("PUT", PATH, [("Content-Type", content_type)], body)
    assert response.status == 200
    seen: dict = response.json()
    return seen


@pytest.mark.parametrize(
    "accept", ["image/png", "image/png;q=0.1, text/html", "application/x-model", "application/zip"]
)
def test_a_client_whose_first_accept_is_a_binary_type_gets_bytes(strict: Client, accept: str) -> None:
    assert stored(strict, "image/png") == {"bytes": 256, "base64": True}
    shown = strict.get(PATH, ("Accept", accept))
    assert (shown.status, shown.header("content-type"), shown.body) == (200, "image/png", PICTURE)


@pytest.mark.parametrize("accept", ["*/*", "text/html,image/png", "image/webp,image/png,*/*;q=0.8"])
def test_any_other_client_gets_base64_text(lenient: Client, strict: Client, accept: str) -> None:
    stored(strict, "image/png")
    shown = strict.get(PATH, ("Accept", accept))
    assert (shown.status, shown.header("content-type"), shown.body) == (200, "image/png", base64.b64encode(PICTURE))
    stored(lenient, "image/png")
    assert lenient.get(PATH, ("Accept", accept)).body == PICTURE


def test_a_client_that_accepts_no_binary_type_at_all_is_refused_by_chalice(strict: Client) -> None:
    stored(strict, "image/png")
    assert strict.get(PATH, ("Accept", "text/html")).status == 400
    assert strict.get(PATH).status == 400


def test_text_is_text_for_every_client(strict: Client) -> None:
    stored(strict, "text/plain", b"text")
    assert strict.get(PATH, ("Accept", "image/png")).body == b"text"


def test_a_body_of_no_binary_type_is_damaged_if_it_is_not_utf_8(lenient: Client, strict: Client) -> None:
    damaged = b"\xff\0".decode("utf-8", "replace").encode()
    assert stored(strict, "text/plain", b"\xff\0") == {"bytes": len(damaged), "base64": False}
    assert stored(lenient, "text/plain", b"\xff\0") == {"bytes": 2, "base64": True}
