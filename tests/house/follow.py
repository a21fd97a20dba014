"""Print the files of the project that requests enter, in order of their first call: `python -m tests.house.follow`.

Needs `DATABASE_URL` and `REDIS_URL` of empty stores.
"""

import asyncio
import json
import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from io import BytesIO
from pathlib import Path
from types import FrameType
from typing import Any

import redis

from app import app
from fargate.asgi import AsgiApp, create_asgi_app
from fargate.settings import read_settings
from fargate.telemetry.telemetry import telemetry_of
from fargate.wsgi import WsgiApp, create_wsgi_app

ROOT = Path(__file__).resolve().parents[2]
PACKAGES = ("app.py", "chalicelib/", "fargate/")
LAST_FILE = "fargate/telemetry/access_log.py"
TRIES = 20
TV = b'{"id":1,"name":"Samsung TV","price":140}'


def main() -> None:
    settings = read_settings(os.environ)
    telemetry = telemetry_of(app, settings)
    wsgi_app = create_wsgi_app(app, settings, telemetry=telemetry)
    asgi_app = create_asgi_app(app, settings, telemetry=telemetry)
    send_by_wsgi(wsgi_app, "GET", "/product/2")  # builds the catalog
    with redis.Redis.from_url(os.environ["REDIS_URL"]) as client:
        client.delete("p1:hot")  # so that the write waits
        post = files_entered(lambda: send_by_wsgi(wsgi_app, "POST", "/data", TV))
        client.delete("p1:1")  # so that the read loads
    get = files_entered(lambda: send_by_wsgi(wsgi_app, "GET", "/product/1"))
    fast = asyncio.run(files_entered_in_the_loop(asgi_app))
    json.dump({"GET": get, "POST": post, "fast GET": fast}, sys.stderr)


def files_entered(send: Callable[[], None]) -> list[str]:
    with profiling() as entered:
        send()
    return list(entered)


async def files_entered_in_the_loop(asgi_app: AsgiApp) -> list[str]:
    """Follow a request that Redis answers in time; on a busy machine the first ones may go to a thread."""
    for _ in range(TRIES):
        await get_by_asgi(asgi_app, "/product/2")  # connects to Redis
        with profiling() as entered:
            await get_by_asgi(asgi_app, "/product/1")
        if LAST_FILE in entered:
            return list(entered)
        await asyncio.sleep(0.1)  # longer than a copy lives in memory
    raise AssertionError("the event loop answered no request by itself")


@contextmanager
def profiling() -> Iterator[dict[str, None]]:
    """Yield the files that this thread enters, in order."""
    entered: dict[str, None] = {}

    def profile(frame: FrameType, event: str, argument: Any) -> None:
        file = Path(frame.f_code.co_filename)
        if event == "call" and file.is_relative_to(ROOT):
            name = str(file.relative_to(ROOT))
            if name.startswith(PACKAGES):
                entered.setdefault(name)

    sys.setprofile(profile)
    try:
        yield entered
    finally:
        sys.setprofile(None)


def send_by_wsgi(wsgi_app: WsgiApp, method: str, path: str, body: bytes = b"") -> None:
    environ = {
        "REQUEST_METHOD": method,
        "PATH_INFO": path,
        "CONTENT_TYPE": "application/json",
        "CONTENT_LENGTH": str(len(body)),
        "wsgi.input": BytesIO(body),
    }
    wsgi_app(environ, lambda status, headers: None)


async def get_by_asgi(asgi_app: AsgiApp, path: str) -> None:
    scope = {
        "type": "http",
        "http_version": "1.1",
        "method": "GET",
        "path": path,
        "raw_path": path.encode(),
        "query_string": b"",
        "headers": [(b"host", b"localhost")],
        "server": ("127.0.0.1", 3000),
    }

    async def receive() -> dict[str, Any]:
        return {"type": "http.request"}

    async def send(message: Any) -> None:
        pass

    await asgi_app(scope, receive, send)


if __name__ == "__main__":
    main()
