"""SIGTERM: no new connections, everything that was accepted is finished, exit 0."""

import contextlib
import http.client
import signal
import socket
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx
import pytest

from fargate.settings import Server as Kind
from tests.fixtures.servers import serving

END_SECONDS = 25

pytestmark = pytest.mark.parametrize("kind", list(Kind))


def test_running_and_queued_requests_are_finished(kind: Kind) -> None:
    with (
        serving({"THREADS": "2", "SERVER": kind}, "tests.apps.echo:app") as server,
        httpx.Client(timeout=30) as client,  # one for all: creating eight takes longer than the first pauses
        ThreadPoolExecutor(8) as pool,
    ):
        answers = [pool.submit(client.get, f"{server.url}/echo/{n}?pause=0.25") for n in range(8)]
        wait_until_accepted(server.port, 8)
        server.process.send_signal(signal.SIGTERM)
        assert [answer.result().json()["name"] for answer in answers] == [str(n) for n in range(8)]
        assert server.process.wait(END_SECONDS) == 0, server.output()


def wait_until_accepted(port: int, connections: int) -> None:
    """Wait until so many connections to a port are established."""
    deadline = time.monotonic() + 10
    while len(established(port)) < connections:
        assert time.monotonic() < deadline
        time.sleep(0.01)


def established(port: int) -> list[str]:
    return sockets(port, "01")


def sockets(port: int, *states: str) -> list[str]:
    """Return the kernel's lines on the sockets of a port that are in one of these states."""
    with Path("/proc/net/tcp").open() as table:
        return [line for line in table if line.split()[1].endswith(f":{port:04X}") and line.split()[3] in states]


def test_under_load_nothing_is_lost(kind: Kind) -> None:
    """Every request that was sent is answered; then connections are refused, so a load balancer goes elsewhere.

    Half of the clients keep their connections.
    """
    lost: list[Exception] = []
    answered = []

    def client(kept: int) -> None:
        limits = httpx.Limits(max_keepalive_connections=kept)
        with httpx.Client(timeout=30, limits=limits) as session:
            while True:
                try:
                    answered.append(session.get(f"{server.url}/echo/x?pause=0.001").status_code)
                except httpx.ConnectError:
                    return
                except httpx.HTTPError as error:
                    lost.append(error)
                    return

    with serving({"THREADS": "4", "SERVER": kind}, "tests.apps.echo:app") as server, ThreadPoolExecutor(16) as pool:
        clients = [pool.submit(client, number % 2) for number in range(16)]
        while len(answered) < 300:
            time.sleep(0.01)
        server.process.send_signal(signal.SIGTERM)
        assert server.process.wait(END_SECONDS) == 0, server.output()
        for each in clients:
            each.result(timeout=10)
    assert set(answered) == {200}
    assert not lost


def test_while_draining_readiness_is_503_and_liveness_200(kind: Kind) -> None:
    with serving({"SERVER": kind}, "tests.apps.echo:app") as server:
        slow, readiness, liveness = (http.client.HTTPConnection("127.0.0.1", server.port, timeout=10) for _ in range(3))
        slow.putrequest("POST", "/echo/slow")
        slow.putheader("Content-Type", "application/json")
        slow.putheader("Content-Length", "2")
        slow.endheaders()
        assert ask(readiness, "/readyz") == (200, None, '{"message":"OK"}')
        assert ask(liveness, "/livez") == (200, None, '{"message":"OK"}')
        server.process.send_signal(signal.SIGTERM)
        deadline = time.monotonic() + 10
        while (answer := ask(readiness, "/readyz"))[0] == 200:
            assert time.monotonic() < deadline
        assert answer == (503, "close", '{"message":"Draining"}')
        assert ask(liveness, "/livez") == (200, "close", '{"message":"OK"}')
        slow.send(b"{}")
        assert slow.getresponse().status == 200
        assert server.process.wait(END_SECONDS) == 0


def ask(connection: http.client.HTTPConnection, path: str) -> tuple[int, str | None, str]:
    """Send a request on a kept connection; return status, Connection header and body."""
    connection.request("GET", path)
    response = connection.getresponse()
    return response.status, response.headers["connection"], response.read().decode()


def test_a_request_that_never_ends_is_cut_after_the_drain_time(kind: Kind) -> None:
    with serving({"DRAIN_SECONDS": "1", "SERVER": kind}, "tests.apps.echo:app") as server:
        stuck = threading.Thread(target=swallow, args=(f"{server.url}/echo/x?pause=60",))
        stuck.start()
        wait_until_accepted(server.port, 1)
        server.process.send_signal(signal.SIGTERM)
        assert server.process.wait(END_SECONDS) == 0
        stuck.join()
        assert "after 1 s" in server.output()


def swallow(url: str) -> None:
    with contextlib.suppress(httpx.HTTPError):
        httpx.get(url, timeout=60)


def test_an_idle_server_ends_at_once_without_a_traceback(kind: Kind) -> None:
    with serving({"SERVER": kind}, "tests.apps.echo:app") as server:
        server.process.send_signal(signal.SIGTERM)
        assert server.process.wait(5) == 0
        assert "Traceback" not in server.output()


def test_a_half_sent_request_does_not_prevent_the_end(kind: Kind) -> None:
    with serving({"DRAIN_SECONDS": "1", "SERVER": kind}, "tests.apps.echo:app") as server:
        with socket.create_connection(("127.0.0.1", server.port)) as half:
            half.sendall(b"GET /echo/x HTTP/1.1\r\n")
            wait_until_accepted(server.port, 1)
            server.process.send_signal(signal.SIGTERM)
            assert server.process.wait(END_SECONDS) == 0
