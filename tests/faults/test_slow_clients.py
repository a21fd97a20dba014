"""Clients that send or read slowly do not delay others, and are ended once they take too long."""

import contextlib
import re
import signal
import socket
import time
from collections.abc import Iterator

import httpx
import pytest

from fargate.settings import Server as Kind
from local.waiting import wait_until
from tests.fargate.servers.test_drain import established, wait_until_accepted
from tests.fixtures.servers import Server, serving

CROWD = 150
WAIT_SECONDS = 30
SHORT = {"HEAD_SECONDS": "1", "BODY_SECONDS": "1", "KEEP_ALIVE_SECONDS": "1"}

GET = b"GET /echo/x HTTP/1.1\r\nHost: x\r\n"
POST = b"POST /echo/x HTTP/1.1\r\nHost: x\r\nContent-Type: text/plain\r\n"
CLIENTS = {
    "a request line": (b"GET /", b"x"),
    "a head": (GET + b"X: ", b"x"),
    "a second head": (GET + b"\r\n" + GET + b"X: ", b"x"),
    "a body": (POST + b"Content-Length: 5000\r\n\r\n", b"x"),
    "chunks": (POST + b"Transfer-Encoding: chunked\r\n\r\n", b"1\r\nx\r\n"),
    "a body that is too long": (POST + b"Content-Length: 500000000\r\n\r\n", b"x"),
    "blank lines": (b"", b"\r\n"),
    "nothing": (b"", b""),
    "nothing more": (GET + b"\r\n", b""),
}
"""What they send at first, and then again and again."""
STATUSES = {
    "a request line": [408],
    "a head": [408],
    "a second head": [200, 408],
    "a body": [408],
    "chunks": [408],
    "a body that is too long": [413],
    "blank lines": [],
    "nothing": [],
    "nothing more": [200],
}
GRANIAN = STATUSES | {"a request line": [], "a head": [], "a second head": [200]}
"""granian closes without a response."""
STATUS = re.compile(rb"HTTP/1\.[01] ([0-9]{3})")


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


@pytest.mark.parametrize("kind", list(Kind))
def test_clients_that_take_too_long_are_ended(kind: Kind) -> None:
    with (
        serving({**SHORT, "SERVER": kind}, "tests.apps.echo:app") as server,
        slow_clients(server, len(CLIENTS)) as clients,
    ):
        received = dripped(dict(zip(CLIENTS, clients, strict=True)))
        assert httpx.get(f"{server.url}/echo/x", timeout=10).status_code == 200
    statuses = {name: list(map(int, STATUS.findall(text))) for name, text in received.items()}
    assert statuses == (GRANIAN if kind is Kind.GRANIAN else STATUSES)
    assert all(b"connection: close" in text.lower() for text in received.values() if b" 408 " in text)


def dripped(clients: dict[str, socket.socket]) -> dict[str, bytes]:
    """Send what CLIENTS says, a piece ten times a second, until the server has closed all; return what it has sent."""
    received = dict.fromkeys(clients, b"")
    for name, connection in clients.items():
        connection.settimeout(0.1 / len(clients))
        send(connection, CLIENTS[name][0])
    left, deadline = set(clients), time.monotonic() + WAIT_SECONDS
    while left:
        assert time.monotonic() < deadline, f"still open: {left}"
        for name in tuple(left):
            send(clients[name], CLIENTS[name][1])
            try:
                received[name] += (part := clients[name].recv(65536))
            except TimeoutError:
                continue
            except OSError:
                part = b""
            if not part:
                left.discard(name)
    return received


@pytest.mark.parametrize("kind", [Kind.WAITRESS, Kind.UVICORN])
def test_a_client_that_does_not_read_its_response_is_ended(kind: Kind) -> None:
    """Granian cannot: hyper has no limit for it."""
    with serving({**SHORT, "SERVER": kind}, "tests.apps.echo:app") as server, slow_clients(server, 1) as (client,):
        client.sendall(b"GET /large/9000000 HTTP/1.1\r\nHost: x\r\n\r\n")
        port = client.getsockname()[1]
        assert wait_until(lambda: not is_open(server.port, port), WAIT_SECONDS)


def is_open(port: int, peer: int) -> bool:
    """Return whether a server has an established connection from a port."""
    return any(line.split()[2].endswith(f":{peer:04X}") for line in established(port))


@pytest.mark.parametrize("kind", list(Kind))
def test_slow_clients_do_not_prolong_a_drain(kind: Kind) -> None:
    environ = {"DRAIN_SECONDS": "1", "SERVER": kind}
    with serving(environ, "tests.apps.echo:app") as server, slow_clients(server, len(CLIENTS)) as clients:
        for connection, (first, _) in zip(clients, CLIENTS.values(), strict=True):
            send(connection, first)
        wait_until_accepted(server.port, len(CLIENTS) - 1)  # granian has closed one
        server.process.send_signal(signal.SIGTERM)
        assert server.process.wait(WAIT_SECONDS) == 0, server.output()


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
