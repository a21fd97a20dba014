"""A WebSocket handshake is refused with 501 and a sentence, in every runtime and on every path."""

import asyncio
import json
from typing import Any

import pytest

from fargate.asgi import create_asgi_app
from fargate.wsgi import create_wsgi_app
from tests.apps.everything import app
from tests.contract.clients.client import SERVERS, Client, ServerClient, client_of
from tests.fixtures.wsgi import call

MESSAGE = "WebSockets are not served here: use the app's HTTP routes"
HANDSHAKE = b"".join(
    (
        b"GET %b HTTP/1.1\r\nHost: x\r\nConnection: keep-alive, Upgrade\r\nUpgrade: WebSocket\r\n",
        b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n",
    )
)
PLAIN = b"GET /thing/colour HTTP/1.1\r\nHost: x\r\n\r\n"

server = client_of("tests.apps.fast_path:app", SERVERS)
on_mangum = client_of("tests.apps.everything:app", ("mangum",))


@pytest.mark.parametrize("path", [b"/unchanged", b"/nothing", b"/thing/colour"])
@pytest.mark.parametrize("before", [0, 2])
def test_a_server_refuses_it_and_closes(server: ServerClient, path: bytes, before: int) -> None:
    """On any path, also one that the fast path answers; what follows is no request."""
    with server.connected() as connection:
        connection.send(PLAIN * before + HANDSHAKE % path + PLAIN)
        *earlier, refused = connection.rest()
    assert [response.body for response in earlier] == [b"blue"] * before
    assert (refused.status, refused.json()) == (501, {"message": MESSAGE})
    assert (refused.header("connection"), refused.header("cache-control")) == ("close", "no-store")
    assert "GET unmatched 501" in server.server.awaited_output("GET unmatched 501")


@pytest.mark.parametrize("path", ["/", "/nothing"])
def test_mangum_refuses_it(on_mangum: Client, path: str) -> None:
    response = on_mangum.get(path, ("Upgrade", "websocket"))
    assert (response.status, response.json()) == (501, {"message": MESSAGE})


@pytest.mark.parametrize("path", ["/", "/nothing"])
def test_another_wsgi_server_gets_the_same_response(path: str) -> None:
    response = call(create_wsgi_app(app), "GET", path, HTTP_UPGRADE="websocket", SERVER_PROTOCOL="HTTP/1.1")
    assert (response.status, json.loads(response.body)) == (501, {"message": MESSAGE})


def sent_to_an_asgi_server(extensions: dict[str, Any] | None) -> list[Any]:
    """Return the messages of the adapter to a server that offers it a WebSocket."""
    sent: list[Any] = []

    async def receive() -> Any:
        return {"type": "websocket.connect"}

    async def send(message: Any) -> None:
        sent.append(message)

    scope = {"type": "websocket", "path": "/", "headers": [], "http_version": "1.1", "extensions": extensions}
    asyncio.run(create_asgi_app(app)(scope, receive, send))
    return sent


def test_another_asgi_server_gets_the_same_response() -> None:
    """With the extension for denials; uvicorn, hypercorn and granian have it."""
    start, body = sent_to_an_asgi_server({"websocket.http.response": {}})
    assert (start["type"], start["status"]) == ("websocket.http.response.start", 501)
    assert (b"content-type", b"application/json") in start["headers"]
    assert (body["type"], json.loads(body["body"])) == ("websocket.http.response.body", {"message": MESSAGE})


def test_an_asgi_server_that_cannot_send_a_response_closes() -> None:
    assert sent_to_an_asgi_server(None) == [{"type": "websocket.close", "code": 1008, "reason": MESSAGE}]
