"""A served project with handlers of WebSockets, and its clients."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest
from websockets.sync.client import ClientConnection, connect

from local.waiting import wait_until
from tests.fixtures.servers import ROOT, Server, serving

PROJECT = ROOT / "tests" / "apps" / "projects" / "sockets"
SECONDS = 30


class Sockets:
    """A server, with what its clients need."""

    def __init__(self, server: Server) -> None:
        self.server = server

    def connect(self, target: str = "/", **options: Any) -> ClientConnection:
        """Open a WebSocket."""
        url = self.server.url.replace("http", "ws", 1) + target
        return connect(url, open_timeout=SECONDS, close_timeout=SECONDS, compression=None, **options)

    def ask(self, client: ClientConnection, message: str) -> str:
        """Send a message; return the next one that comes."""
        client.send(message)
        return str(client.recv(SECONDS))

    def events(self, connection_id: str) -> list[dict[str, Any]]:
        """Return the events of a connection that handlers were given."""
        seen = httpx.get(f"{self.server.url}/seen").json()
        return [each for each in seen if each["requestContext"]["connectionId"] == connection_id]

    def ended(self, connection_id: str) -> dict[str, Any]:
        """Return the last event of a connection, once it has ended."""
        kind = "DISCONNECT"
        assert wait_until(lambda: self.events(connection_id)[-1]["requestContext"]["eventType"] == kind, SECONDS)
        return self.events(connection_id)[-1]


@contextmanager
def serving_sockets(project: Path = PROJECT, **environ: str) -> Iterator[Sockets]:
    """Serve a project by a process of its own."""
    settings = {"SERVER": "uvicorn", "POWERTOOLS_TRACE_DISABLED": "true", **environ}
    with serving(settings, project=project) as server:
        yield Sockets(server)


@pytest.fixture(scope="module")
def sockets() -> Iterator[Sockets]:
    """One server for the tests of a module."""
    with serving_sockets() as served:
        yield served
