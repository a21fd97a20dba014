"""Each server alone: a constant answer, as long as a product, with the server's defaults.

`python -m tests.load.floors SERVER PORT` serves it.
"""

import asyncio
import sys
from typing import Any

from local.ports import LOOPBACK

BODY = b'{"id":1,"name":"Samsung TV","price":140}'
HEADERS = [("Content-Type", "application/json"), ("Content-Length", str(len(BODY)))]
RAW_HEADERS = [(name.lower().encode(), value.encode()) for name, value in HEADERS]


def wsgi_app(environ: dict[str, Any], start_response: Any) -> tuple[bytes]:
    start_response("200 OK", list(HEADERS))
    return (BODY,)


async def asgi_app(scope: Any, receive: Any, send: Any) -> None:
    await send({"type": "http.response.start", "status": 200, "headers": RAW_HEADERS})
    await send({"type": "http.response.body", "body": BODY})


def serve_waitress(port: int) -> None:
    import waitress

    waitress.serve(wsgi_app, host=LOOPBACK, port=port, threads=8)


def serve_uvicorn(port: int) -> None:
    import uvicorn

    uvicorn.run(asgi_app, host=LOOPBACK, port=port, lifespan="off", access_log=False, log_level="error")


def serve_granian(port: int) -> None:
    from granian.constants import Interfaces
    from granian.server.embed import Server

    server = Server(asgi_app, address=LOOPBACK, port=port, interface=Interfaces.ASGINL, log_enabled=False)
    asyncio.run(server.serve())


SERVE = {"waitress": serve_waitress, "uvicorn": serve_uvicorn, "granian": serve_granian}


if __name__ == "__main__":
    SERVE[sys.argv[1]](int(sys.argv[2]))
