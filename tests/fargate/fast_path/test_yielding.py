"""A loop that answers on the fast path lets threads that have requests go on."""

import asyncio
import threading
from collections.abc import Mapping
from typing import Any

from chalice.app import Chalice, Response

from fargate.asgi import AsgiAdapter, create_asgi_app
from fargate.asgi_requests import Message
from fargate.fast_path import TURN_SECONDS
from fargate.settings import Settings

SCOPE = {
    "type": "http",
    "http_version": "1.1",
    "method": "GET",
    "path": "/slow",
    "raw_path": b"/slow",
    "query_string": b"",
    "headers": [(b"host", b"x")],
    "server": ("127.0.0.1", 80),
    "client": ("127.0.0.1", 8000),
}
QUICK = {**SCOPE, "path": "/quick", "raw_path": b"/quick"}


def app_with(may_end: threading.Event) -> Chalice:
    app = Chalice("yielding")

    @app.route("/slow")
    def slow() -> Response:
        may_end.wait(10)
        return Response("slow")

    @app.route("/quick")
    def quick() -> Response:
        raise AssertionError("the fast path answers")

    def from_memory(parameters: Mapping[str, str], headers: Any) -> Response:
        return Response("quick")

    async def from_loop(parameters: Mapping[str, str], headers: Any) -> None: ...

    app.fast_path = {("GET", "/quick"): (from_memory, from_loop)}  # type: ignore[attr-defined]
    return app


def times_yielded(seconds: float, *, beside_a_thread: bool) -> int:
    """Answer on the fast path for a while, at least until it has yielded twice; return how often it did."""
    may_end = threading.Event()
    asgi = create_asgi_app(app_with(may_end), Settings())
    assert isinstance(asgi, AsgiAdapter)
    moments: set[float] = set()

    async def receive() -> Message:
        return {"type": "http.request"}

    async def send(_: Message) -> None: ...

    async def answer() -> None:
        slow = asyncio.create_task(asgi(SCOPE, receive, send)) if beside_a_thread else None
        await asyncio.sleep(0)
        until = asyncio.get_running_loop().time() + seconds
        while len(moments) < 2 and asyncio.get_running_loop().time() < until:
            await asgi({**QUICK}, receive, send)
            moments.update({asgi.fast_path.yielded_at} - {0.0})
        may_end.set()
        if slow is not None:
            await slow

    asyncio.run(answer())
    return len(moments)


def test_threads_that_have_requests_get_the_interpreter_again_and_again() -> None:
    assert times_yielded(10, beside_a_thread=True) == 2


def test_the_loop_does_not_yield_where_no_thread_has_a_request() -> None:
    assert times_yielded(20 * TURN_SECONDS, beside_a_thread=False) == 0
