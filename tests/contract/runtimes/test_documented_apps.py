"""Apps as in Chalice's documentation, in every runtime."""

import json

import pytest

from tests.contract.clients.client import GATEWAYS, RUNTIMES, Client, client_of
from tests.contract.clients.messages import Response

todo = client_of("tests.apps.todo:app", RUNTIMES)
media = client_of("tests.apps.media:app", RUNTIMES)
layers = client_of("tests.apps.layers:app", RUNTIMES)
layers_behind_a_gateway = client_of("tests.apps.layers:app", GATEWAYS)

JSON = ("Content-Type", "application/json")
ALL_BYTES = bytes(range(256))


def test_a_todo_is_added_changed_and_deleted(todo: Client) -> None:
    added = todo.post("/todos", b'{"description":"write tests \xe2\x9c\x93"}', JSON)
    assert (added.status, added.json()["state"]) == (201, "unstarted")
    path = added.header("location")
    assert path is not None
    assert todo.get(path).json() == added.json()
    assert todo.request("PUT", path, [JSON], b'{"state":"started"}').json() == {**added.json(), "state": "started"}
    assert added.json()["uid"] in {each["uid"] for each in todo.get("/todos?state=started").json()}
    assert todo.get("/todos?state=completed").json() == []
    deleted = todo.request("DELETE", path)
    assert (deleted.status, deleted.body) == (204, b"")
    assert todo.get(path).status == todo.request("DELETE", path).status == 404


@pytest.mark.parametrize(
    ("body", "message"),
    [(b"{}", "description is missing"), (b"[]", "description is missing"), (b"{", "Error Parsing JSON")],
)
def test_a_bad_todo_is_refused(todo: Client, body: bytes, message: str) -> None:
    response = todo.post("/todos", body, JSON)
    assert (response.status, response.json()) == (400, {"Code": "BadRequestError", "Message": message})


@pytest.mark.parametrize(
    ("content_type", "body", "base64"),
    [
        ("image/png", ALL_BYTES, True),
        ("image/png", b"text", True),
        ("application/x-model", b"{}", True),
        ("text/plain", b"text", False),
        ("text/plain", ALL_BYTES, True),
    ],
)
def test_a_picture_is_returned_byte_for_byte(media: Client, content_type: str, body: bytes, base64: bool) -> None:
    stored = media.request("PUT", "/pictures/x.png", [("Content-Type", content_type)], body)
    assert stored.json()["bytes"] == len(body)
    if not is_plain_lambda(media):
        assert stored.json()["base64"] is base64
    if content_type == "text/plain" and body == ALL_BYTES:
        return  # Chalice decodes it, here as on Lambda
    shown = media.get("/pictures/x.png", ("Accept", "*/*"))
    assert (shown.status, shown.body, shown.header("content-type")) == (200, body, content_type)


def is_plain_lambda(client: Client) -> bool:
    """With this client the test itself decides what is base64."""
    return type(client).__name__ == "LambdaClient"


def test_middleware_runs_in_the_order_of_registration(layers: Client) -> None:
    response = layers.get("/plain")
    assert response.json() == {"path": "/plain"}
    assert response.header("x-marks") == "12"


@pytest.mark.parametrize(
    ("path", "body"),
    [("/users", {"users": "layers", "path": "/users"}), ("/users/7", {"id": "7", "request_id": True})],
)
def test_a_blueprint_has_its_prefix_and_sees_its_request(layers: Client, path: str, body: dict) -> None:
    response = layers.get(path)
    assert response.json() == body
    assert response.header("x-users") == body.get("id", "none")


def test_a_lambda_decorator_becomes_a_middleware(layers: Client) -> None:
    assert layers.post("/users/7", b"{}", JSON).header("x-wrapped") == "POST /users/{id} True"


def test_a_middleware_may_respond_without_the_handler(layers: Client) -> None:
    response: Response = layers.get("/users/7", ("X-Early", "1"))
    assert (response.status, json.loads(response.body)) == (202, {"early": "/users/{id}"})


def test_a_middleware_may_handle_an_error(layers: Client) -> None:
    response = layers.get("/teapot")
    assert (response.status, response.json()) == (418, {"teapot": "short and stout"})


def test_an_unexpected_error_passes_through_every_middleware(layers: Client) -> None:
    response = layers.get("/bug")
    assert (response.status, response.json()["Code"]) == (500, "InternalServerError")
    assert response.header("x-marks") == "12"


def test_middleware_does_not_run_for_unknown_paths(layers_behind_a_gateway: Client) -> None:
    response = layers_behind_a_gateway.get("/nothing")
    assert (response.status, response.header("x-marks")) == (404, None)
