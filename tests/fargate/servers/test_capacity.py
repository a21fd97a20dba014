"""Probes are answered while every thread is busy; idle connections do not keep a new one out."""

import contextlib
import http.client
import os
import signal
import socket
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import httpx
import pytest

from chalicelib.web.health import SelfProbe
from fargate.settings import Server as Kind
from fargate.settings import Settings
from local.waiting import wait_until
from tests.fargate.servers.test_drain import established, sockets, swallow, wait_until_accepted
from tests.fixtures.servers import Server, serving


@pytest.mark.parametrize("kind", list(Kind))
def test_many_times_more_status_calls_than_threads_all_answer(
    module_database_url: str, module_redis_url: str, kind: Kind
) -> None:
    environ = {"DATABASE_URL": module_database_url, "REDIS_URL": module_redis_url, "THREADS": "4", "SERVER": kind}
    started = threading.Barrier(200)

    def ask(_: int) -> int:
        started.wait()
        with contextlib.closing(http.client.HTTPConnection("127.0.0.1", server.port, timeout=2)) as connection:
            connection.request("GET", "/status")
            return connection.getresponse().status

    with serving(environ) as server, ThreadPoolExecutor(200) as pool:
        assert list(pool.map(ask, range(200))) == [200] * 200


@pytest.mark.parametrize("host", ["::", "::1", "127.0.0.2"])
def test_status_asks_the_address_that_the_server_listens_on(
    module_database_url: str, module_redis_url: str, host: str
) -> None:
    environ = {"DATABASE_URL": module_database_url, "REDIS_URL": module_redis_url, "HOST": host}
    with serving(environ) as server:
        answer = httpx.get(f"{server.url}/status")
        assert (answer.status_code, answer.json()["status"]) == (200, "Healthy")


def test_status_is_unhealthy_if_the_port_does_not_respond() -> None:
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))  # bound, not listening: the port is ours and refuses
        health = SelfProbe().check(bound.getsockname()[1])
    assert health.reason is not None
    assert "gave no answer" in health.reason


def test_probes_answer_while_every_thread_is_busy() -> None:
    with serving({"THREADS": "1", "BASE_PATH": "/api"}, "tests.apps.echo:app") as server:
        busy = threading.Thread(target=swallow, args=(f"{server.url}/api/echo/x?pause=60",))
        busy.start()
        wait_until_accepted(server.port, 1)
        for path in ("/livez", "/readyz", "/api/readyz"):
            assert httpx.get(server.url + path, timeout=10).status_code == 200, path
        assert busy.is_alive()
    busy.join()


def test_idle_connections_cannot_exhaust_the_limit() -> None:
    with serving({"CONNECTION_LIMIT": "50"}, "tests.apps.echo:app") as server:
        idle = []
        for _ in range(200):
            connection = socket.create_connection(("127.0.0.1", server.port))
            idle.append(connection)
            keep_alive_request(connection)
        assert httpx.get(f"{server.url}/echo/x", timeout=5).status_code == 200
        assert len(established(server.port)) <= 50
        for connection in idle:
            connection.close()


def keep_alive_request(connection: socket.socket) -> None:
    connection.sendall(b"GET /echo/x HTTP/1.1\r\nHost: x\r\n\r\n")
    answer = b""
    while not answer.endswith(b"}}"):
        received = connection.recv(65536)
        assert received, f"closed after {answer!r}"
        answer += received
    assert answer.startswith(b"HTTP/1.1 200")


def test_a_connection_with_a_running_request_is_not_closed() -> None:
    with serving({"CONNECTION_LIMIT": "12", "THREADS": "4"}, "tests.apps.echo:app") as server:
        with ThreadPoolExecutor(1) as pool:
            running = pool.submit(httpx.get, f"{server.url}/echo/kept?pause=1", timeout=10)
            wait_until_accepted(server.port, 1)
            crowd = [socket.create_connection(("127.0.0.1", server.port)) for _ in range(40)]
            assert running.result().json()["name"] == "kept"
        for connection in crowd:
            connection.close()


def test_a_new_connection_is_not_closed_before_its_request_is_read() -> None:
    with crowded_server() as (server, crowd), contextlib.ExitStack() as stack:
        stop(server)  # so that it finds all of the following at once
        for connection in crowd:
            connection.sendall(b"G")
        late = asking(server, stack)
        server.process.send_signal(signal.SIGCONT)
        assert late.recv(12) == b"HTTP/1.1 200"


def test_a_new_connection_with_a_reused_file_descriptor_is_not_mistaken_for_the_old_one() -> None:
    """The kernel gives the file descriptor of a closed connection to the next one."""
    with crowded_server() as (server, crowd), contextlib.ExitStack() as stack:
        stop(server)
        late = [asking(server, stack) for _ in crowd]
        server.process.send_signal(signal.SIGCONT)
        assert [each.recv(12) for each in late] == [b"HTTP/1.1 200"] * len(late)


@contextlib.contextmanager
def crowded_server() -> Iterator[tuple[Server, list[socket.socket]]]:
    """Yield a server whose limit is reached by idle connections, and these."""
    with serving({"CONNECTION_LIMIT": "30"}, "tests.apps.echo:app") as server, contextlib.ExitStack() as stack:
        # Wait for the connections of readiness checks: established, or closed by one side.
        assert wait_until(lambda: not sockets(server.port, "01", "08"), 10)
        crowd = [stack.enter_context(connected(server.port)) for _ in range(27)]
        for connection in crowd:
            keep_alive_request(connection)
        yield server, crowd


def stop(server: Server) -> None:
    server.process.send_signal(signal.SIGSTOP)
    os.waitid(os.P_PID, server.process.pid, os.WSTOPPED | os.WNOWAIT)


def asking(server: Server, stack: contextlib.ExitStack) -> socket.socket:
    connection = stack.enter_context(connected(server.port))
    connection.sendall(b"GET /echo/x HTTP/1.1\r\nHost: x\r\n\r\n")
    return connection


def connected(port: int) -> socket.socket:
    return socket.create_connection(("127.0.0.1", port), timeout=10)


def test_the_defaults_exceed_a_load_balancers_connections_and_its_idle_timeout_of_60_s() -> None:
    assert Settings().connection_limit >= 1000
    assert Settings().keep_alive_seconds > 60


def test_an_idle_connection_is_closed_after_keep_alive_seconds() -> None:
    with serving({"KEEP_ALIVE_SECONDS": "1"}, "tests.apps.echo:app") as server:
        with socket.create_connection(("127.0.0.1", server.port), timeout=30) as connection:
            keep_alive_request(connection)
            begun = time.monotonic()
            assert connection.recv(1) == b""
            assert time.monotonic() - begun >= 0.9


def test_a_handler_that_exits_gives_502_and_the_server_continues(server: Server) -> None:
    for _ in range(20):
        response = httpx.get(f"{server.url}/exit", timeout=5)
        assert (response.status_code, response.json()) == (502, {"message": "Internal server error"})
    assert httpx.get(f"{server.url}/echo/x", timeout=5).status_code == 200
    server.awaited_output("SystemExit escaped the app at /exit")


@pytest.fixture(scope="module")
def server():
    with serving({"THREADS": "2"}, "tests.apps.echo:app") as server:
        yield server


def test_a_client_that_does_not_read_blocks_no_other(server: Server) -> None:
    slow = [socket.create_connection(("127.0.0.1", server.port)) for _ in range(2)]
    for connection in slow:
        connection.sendall(b"GET /large/5000000 HTTP/1.1\r\nHost: x\r\n\r\n")
    wait_until_accepted(server.port, 2)
    assert httpx.get(f"{server.url}/echo/x", timeout=5).status_code == 200
    for connection in slow:
        connection.close()
