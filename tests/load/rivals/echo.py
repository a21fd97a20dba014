"""The least that echoes over WebSockets: the library websockets by itself, and an ASGI app for uvicorn with it."""

import asyncio
import sys
from http import HTTPStatus
from typing import Any

from websockets.asyncio.server import ServerConnection, serve
from websockets.http11 import Request, Response

from local.ports import LOOPBACK


async def app(scope: Any, receive: Any, send: Any) -> None:
    """Echo, and answer requests with 200."""
    if scope["type"] == "http":
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body"})
        return
    await receive()
    await send({"type": "websocket.accept"})
    while (message := await receive())["type"] == "websocket.receive":
        await send({"type": "websocket.send", "text": message["text"]})


async def echo(connection: ServerConnection) -> None:
    async for message in connection:
        await connection.send(message)


def answer(connection: ServerConnection, request: Request) -> Response | None:
    """Answer what is no handshake with 200."""
    return None if "Upgrade" in request.headers else connection.respond(HTTPStatus.OK, "")


async def main(port: int) -> None:
    async with serve(echo, LOOPBACK, port, compression=None, process_request=answer) as server:
        await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(main(int(sys.argv[1])))
