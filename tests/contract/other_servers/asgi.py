"""Call an ASGI app in this process with a scope of the test's choice."""

import asyncio
from typing import Any


def asked(app: Any, **scope: Any) -> tuple[int, bytes]:
    """Send a GET without a body; return status and body."""
    return asyncio.run(ask(app, **scope))


async def ask(app: Any, **more: Any) -> tuple[int, bytes]:
    """Do the same in a running event loop."""
    sent: list[Any] = []
    scope = {
        "type": "http",
        "http_version": "1.1",
        "method": "GET",
        "query_string": b"",
        "headers": [(b"host", b"x")],
        "server": ("127.0.0.1", 80),
        **more,
    }

    async def receive() -> Any:
        raise AssertionError("a GET without framing has no body")

    async def send(message: Any) -> None:
        sent.append(message)

    await app(scope, receive, send)
    return sent[0]["status"], sent[1]["body"]
