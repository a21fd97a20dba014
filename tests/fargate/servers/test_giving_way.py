"""A loop that answers ahead lets threads that have requests go on."""

import asyncio
import threading
from collections.abc import Callable
from typing import Any

from chalice.app import Chalice, Response

from fargate.asgi import TURN_SECONDS, AsgiAdapter, Message, create_asgi_app
from fargate.http.messages import HttpRequest
from fargate.settings import Settings
from local.waiting import wait_until

SCOPE = {
    "type": "http",
    "http_version": "1.1",
    "method": "GET",
    "raw_path": b"/slow",
    "query_string": b"",
    "headers": [(b"host", b"x")],
    "server": ("127.0.0.1", 80),
    "client": ("127.0.0.1", 8000),
}
QUICK = HttpRequest("GET", "/quick", "", [("Host", "x")], b"", "127.0.0.1", "HTTP/1.1", 80)


def app_with(may_end: threading.Event) -> Chalice:
    app = Chalice("ways")

    @app.route("/slow")
    def slow() -> Response:
        may_end.wait(10)
        return Response("slow")

    @app.route("/quick")
    def quick() -> Response:
        return Response("quick")

    def answer_ahead(_method: str, route: str, *_: Any) -> Response | None:
        return Response("ahead") if route == "/quick" else None

    app.answer_ahead = answer_ahead  # type: ignore[attr-defined]
    return app


def ways_given(seconds: float, *, beside_a_thread: bool) -> int:
    """Answer ahead for a while; return how often that gave way."""
    may_end, ways = threading.Event(), []
    door = create_asgi_app(app_with(may_end), Settings())
    assert isinstance(door, AsgiAdapter)
    give_way: Callable[[], None] = door._give_way

    def counted() -> None:
        ways.append(None)
        give_way()

    door._give_way = counted  # type: ignore[method-assign]

    async def receive() -> Message:
        return {"type": "http.request"}

    async def send(_: Message) -> None: ...

    async def answer() -> None:
        slow = asyncio.create_task(door(SCOPE, receive, send)) if beside_a_thread else None
        await asyncio.sleep(0)
        wait_until(lambda: not door.ask_ahead(QUICK) or len(ways) > 1, seconds)
        may_end.set()
        if slow is not None:
            await slow

    asyncio.run(answer())
    return len(ways)


def test_threads_that_have_requests_are_given_way_again_and_again() -> None:
    assert ways_given(10, beside_a_thread=True) > 1


def test_nobody_is_given_way_where_no_thread_has_a_request() -> None:
    assert ways_given(20 * TURN_SECONDS, beside_a_thread=False) == 0


def test_a_request_that_comes_through_asgi_does_not_take_itself_for_one_in_a_thread() -> None:
    door = create_asgi_app(app_with(threading.Event()), Settings())
    assert isinstance(door, AsgiAdapter)
    ways: list[None] = []
    door._give_way = lambda: ways.append(None)  # type: ignore[method-assign]
    statuses: list[int] = []

    async def receive() -> Message:
        return {"type": "http.request"}

    async def send(message: Message) -> None:
        statuses.extend([message["status"]] if "status" in message else [])

    asyncio.run(door({**SCOPE, "raw_path": b"/quick"}, receive, send))
    assert (statuses, ways) == ([200], [])
