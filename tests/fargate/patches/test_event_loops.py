"""A thread that serves a request has an event loop if its handler asks for one; no other thread has."""

import asyncio
import sys
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import pytest
from chalice.app import Chalice

from fargate.wsgi import create_wsgi_app
from tests.fixtures.wsgi import call

pytestmark = pytest.mark.skipif(sys.version_info >= (3, 14), reason="on Lambda no thread gets a loop for asking either")


def test_each_thread_keeps_a_loop_of_its_own() -> None:
    app = Chalice("awaiting")
    together = Barrier(2)
    loops: list[asyncio.AbstractEventLoop] = []

    @app.route("/")
    def index() -> dict[str, int]:
        loop = asyncio.get_event_loop()
        loops.append(loop)
        loop.run_until_complete(asyncio.sleep(0))
        return {"loop": id(loop)}

    serve = create_wsgi_app(app)

    def ask(_: int) -> set[bytes]:
        together.wait(30)
        return {call(serve, "GET", "/").body for _ in range(3)}

    with ThreadPoolExecutor(2) as pool:
        first, second = pool.map(ask, range(2))
    for loop in loops:
        loop.close()
    assert len(first) == len(second) == 1
    assert first != second
    assert len(loops) == 6


def test_a_thread_that_serves_no_request_has_none() -> None:
    create_wsgi_app(Chalice("quiet"))
    with ThreadPoolExecutor(1) as pool, pytest.raises(RuntimeError, match="no current event loop"):
        pool.submit(asyncio.get_event_loop).result()
