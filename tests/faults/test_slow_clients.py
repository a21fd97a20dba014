"""Clients that send or read slowly do not delay others."""

import contextlib
import socket
from collections.abc import Iterator

import httpx
import pytest

from fargate.settings import Server as Kind
from tests.fixtures.servers import Server, serving

CROWD = 150


@pytest.mark.parametrize("kind", list(Kind))
def test_many_clients_that_send_byte_by_byte_do_not_block_others(kind: Kind) -> None:
    with (
        serving({"THREADS": "2", "CONNECTION_LIMIT": "100", "SERVER": kind}, "tests.apps.echo:app") as server,
        slow_clients(server, CROWD) as crowd,
    ):
        request = b"POST /echo/slow HTTP/1.1\r\nHost: x\r\nContent-Length: 1000\r\n\r\n"
        for end in range(1, 20):
            for connection in crowd:
                send(connection, request[end - 1 : end])
            assert httpx.get(f"{server.url}/echo/x", timeout=10).status_code == 200


@contextlib.contextmanager
def slow_clients(server: Server, size: int) -> Iterator[list[socket.socket]]:
    """Yield open connections to the server."""
    with contextlib.ExitStack() as stack:
        yield [stack.enter_context(socket.create_connection(("127.0.0.1", server.port))) for _ in range(size)]


def send(connection: socket.socket, data: bytes) -> None:
    """Send the data, unless the server has closed the connection."""
    try:
        connection.send(data)
    except OSError:
        return


@pytest.mark.parametrize("kind", list(Kind))
def test_many_clients_that_do_not_read_do_not_block_others(kind: Kind) -> None:
    with serving({"THREADS": "2", "SERVER": kind}, "tests.apps.echo:app") as server, slow_clients(server, 20) as crowd:
        for connection in crowd:
            connection.sendall(b"GET /large/3000000 HTTP/1.1\r\nHost: x\r\n\r\n")
        for _ in range(10):
            assert httpx.get(f"{server.url}/echo/x", timeout=10).status_code == 200
