"""Clients that send or read slowly hold up nobody else."""

import contextlib
import socket
from collections.abc import Iterator

import httpx
import pytest

from fargate.settings import Server as Kind
from tests.fixtures.servers import Server, serving

CROWD = 150


@pytest.mark.parametrize("kind", list(Kind))
def test_a_crowd_that_sends_byte_by_byte_does_not_keep_others_out(kind: Kind) -> None:
    with (
        serving({"THREADS": "2", "CONNECTION_LIMIT": "100", "SERVER": kind}, "tests.apps.echo:app") as server,
        crowd_at(server, CROWD) as crowd,
    ):
        request = b"POST /echo/slow HTTP/1.1\r\nHost: x\r\nContent-Length: 1000\r\n\r\n"
        for end in range(1, 20):
            for connection in crowd:
                send(connection, request[end - 1 : end])
            assert httpx.get(f"{server.url}/echo/x", timeout=10).status_code == 200


@contextlib.contextmanager
def crowd_at(server: Server, size: int) -> Iterator[list[socket.socket]]:
    """Yield open connections to a server."""
    with contextlib.ExitStack() as stack:
        yield [stack.enter_context(socket.create_connection(("127.0.0.1", server.port))) for _ in range(size)]


def send(connection: socket.socket, data: bytes) -> None:
    """Send, unless the server has made room for others."""
    try:
        connection.send(data)
    except OSError:
        return


@pytest.mark.parametrize("kind", list(Kind))
def test_a_crowd_that_does_not_read_does_not_keep_others_out(kind: Kind) -> None:
    with serving({"THREADS": "2", "SERVER": kind}, "tests.apps.echo:app") as server, crowd_at(server, 20) as crowd:
        for connection in crowd:
            connection.sendall(b"GET /large/3000000 HTTP/1.1\r\nHost: x\r\n\r\n")
        for _ in range(10):
            assert httpx.get(f"{server.url}/echo/x", timeout=10).status_code == 200
