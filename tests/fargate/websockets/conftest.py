"""A served project with handlers of WebSockets, and its clients."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import httpx
import pytest
from websockets.sync.client import ClientConnection, connect

from fargate.websockets.connections import LocalConnections
from fargate.websockets.events import Opened
from fargate.websockets.metrics import SocketMetrics
from fargate.websockets.protocol import SocketLimits, SocketProtocol
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
def serving_sockets(project: Path = PROJECT, prefix: Sequence[str] = (), **environ: str) -> Iterator[Sockets]:
    """Serve a project by a process of its own, which `prefix` may run."""
    settings = {"SERVER": "uvicorn", "POWERTOOLS_TRACE_DISABLED": "true", **environ}
    with serving(settings, project=project, prefix=prefix) as server:
        yield Sockets(server)


def unconnected(limits: SocketLimits | None = None) -> SocketProtocol:
    """Return a connection without a transport."""
    connections = LocalConnections()
    shared: Any = SimpleNamespace(limits=limits, metrics=SocketMetrics(connections), connections=connections)
    return SocketProtocol(Opened("id", "host", "api", "host", "127.0.0.1", "", 0.0), shared, shared)


@pytest.fixture(scope="module")
def sockets() -> Iterator[Sockets]:
    """One server for the tests of a module."""
    with serving_sockets() as served:
        yield served
