"""Print the files of the project that requests enter, in order of their first call: `python -m tests.house.follow`.

Needs `DATABASE_URL` and `REDIS_URL` of empty stores. A file that the request before has entered counts again.
"""

import json
import os
import sys
from io import BytesIO
from pathlib import Path
from types import FrameType
from typing import Any

import redis

from app import app
from fargate.settings import read_settings
from fargate.telemetry.telemetry import telemetry_of
from fargate.wsgi import WsgiAdapter, create_wsgi_app

ROOT = Path(__file__).resolve().parents[2]
PACKAGES = ("app.py", "chalicelib/", "fargate/")
TV = b'{"id":1,"name":"Samsung TV","price":140}'


def main() -> None:
    vars(app).pop("answer_ahead", None)  # waitress calls the handler
    settings = read_settings(os.environ)
    wsgi_app = create_wsgi_app(app, settings, telemetry=telemetry_of(app, settings))
    files_entered(wsgi_app, "GET", "/product/2")  # builds the catalog
    with redis.Redis.from_url(os.environ["REDIS_URL"]) as client:
        client.delete("p1:hot")  # so that the write waits
        post = files_entered(wsgi_app, "POST", "/data", TV)
        client.delete("p1:1")  # so that the read loads
    get = files_entered(wsgi_app, "GET", "/product/1")
    json.dump({"GET": get, "POST": post}, sys.stderr)


def files_entered(wsgi_app: WsgiAdapter, method: str, path: str, body: bytes = b"") -> list[str]:
    entered: dict[str, None] = {}

    def profile(frame: FrameType, event: str, argument: Any) -> None:
        file = Path(frame.f_code.co_filename)
        if event == "call" and file.is_relative_to(ROOT):
            name = str(file.relative_to(ROOT))
            if name.startswith(PACKAGES):
                entered.setdefault(name)

    environ = {
        "REQUEST_METHOD": method,
        "PATH_INFO": path,
        "CONTENT_TYPE": "application/json",
        "CONTENT_LENGTH": str(len(body)),
        "wsgi.input": BytesIO(body),
    }
    sys.setprofile(profile)
    try:
        wsgi_app(environ, lambda status, headers: None)
    finally:
        sys.setprofile(None)
    return list(entered)


if __name__ == "__main__":
    main()
