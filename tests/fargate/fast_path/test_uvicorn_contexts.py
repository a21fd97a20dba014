"""A thread may call the handler while the event loop is still in the step that handed the request over."""

import asyncio
import time
from collections.abc import Mapping
from typing import Any

import uvicorn
from chalice.app import Chalice, Response
from uvicorn.server import ServerState

from fargate.asgi import AsgiAdapter, create_asgi_app
from fargate.servers.uvicorn_fast_path import FastPathProtocol
from fargate.settings import Settings


def app() -> Chalice:
    app = Chalice("contexts")

    @app.route("/product")
    def product() -> Response:
        return Response("the handler")

    async def from_loop(parameters: Mapping[str, str], headers: Any) -> Response | None: ...

    app.fast_path = {("GET", "/product"): (lambda *_: None, from_loop)}  # type: ignore[attr-defined]
    return app


async def first_line(adapter: AsgiAdapter) -> bytes:
    """Ask for the product over a real connection; return the status line."""
    config = uvicorn.Config(adapter, log_config=None)
    config.load()
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: FastPathProtocol(config, ServerState(), {}), "127.0.0.1", 0)
    async with server:
        reader, writer = await asyncio.open_connection(*server.sockets[0].getsockname())
        writer.write(b"GET /product HTTP/1.1\r\nHost: x\r\n\r\n")
        line = await asyncio.wait_for(reader.readline(), 10)
        writer.close()
        return line


def test_the_handler_runs_in_the_requests_context_though_the_loop_has_not_moved_on() -> None:
    adapter = create_asgi_app(app(), Settings())
    assert isinstance(adapter, AsgiAdapter)
    submit = adapter._workers.submit

    def slowly(*arguments: Any) -> Any:
        answer = submit(*arguments)
        time.sleep(0.2)  # the thread has long begun
        return answer

    adapter._workers.submit = slowly  # type: ignore[method-assign]
    assert asyncio.run(first_line(adapter)) == b"HTTP/1.1 200 OK\r\n"
