"""The container's health check: its request, and its result for each answer."""

import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress

import pytest

from fargate.settings import Server as Kind
from local.ports import free_port
from tests.fargate.servers.test_drain import swallow, wait_until_accepted
from tests.fixtures.servers import ROOT, passed_on, serving


def probe(**environ: str) -> "subprocess.CompletedProcess[str]":
    """Run the health check as the container does."""
    command = [sys.executable, "-m", "fargate.probe"]
    settings = {**passed_on(), **environ}
    return subprocess.run(command, cwd=ROOT, env=settings, capture_output=True, text=True, timeout=30)


@contextmanager
def answering(reply: bytes, host: str = "127.0.0.1") -> Iterator[tuple[int, list[bytes]]]:
    """Answer one connection with these bytes; yields the port and the requests."""
    asked: list[bytes] = []
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.create_server((host, 0), family=family) as listener:

        def answer() -> None:
            connection, _ = listener.accept()
            with connection:
                asked.append(connection.recv(4096))
                with suppress(ConnectionError):  # the client closes when it has enough
                    for byte in reply:  # in packets of one byte
                        connection.sendall(bytes([byte]))

        thread = threading.Thread(target=answer)
        thread.start()
        yield listener.getsockname()[1], asked
        thread.join(30)


@pytest.mark.parametrize("kind", list(Kind))
def test_a_server_that_takes_requests_is_healthy(kind: Kind) -> None:
    with serving({"SERVER": kind}, "tests.apps.echo:app") as server:
        done = probe(PORT=str(server.port))
        assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def test_one_that_is_not_there_is_not() -> None:
    port = free_port()
    done = probe(PORT=str(port))
    assert done.returncode == 1
    assert done.stderr.startswith(f"Not ready: no answer on port {port}: ")


def test_one_whose_threads_are_all_busy_still_is() -> None:
    with serving({"THREADS": "1"}, "tests.apps.echo:app") as server:
        slow = threading.Thread(target=swallow, args=(f"{server.url}/echo/x?pause=60",))
        slow.start()
        wait_until_accepted(server.port, 1)
        assert probe(PORT=str(server.port)).returncode == 0
        assert slow.is_alive()
    slow.join()


@pytest.mark.parametrize(
    ("reply", "said"),
    [
        (b"HTTP/1.1 503 Service Unavailable\r\n\r\n", "answered 503"),
        (b"HTTP/1.1 302 Found\r\nLocation: /elsewhere\r\n\r\n", "answered 302"),
        (b"SSH-2.0-OpenSSH_9.2\r\n", "answered no HTTP"),
        (b"", "answered no HTTP"),
    ],
)
def test_one_that_answers_anything_else_is_not(reply: bytes, said: str) -> None:
    with answering(reply) as (port, _):
        done = probe(PORT=str(port))
    assert done.returncode == 1
    assert done.stderr == f"Not ready: /readyz on port {port} {said}\n"


def test_it_asks_for_readiness_and_for_no_second_request() -> None:
    with answering(b"HTTP/1.1 200 OK\r\n\r\n") as (port, asked):
        assert probe(PORT=str(port)).returncode == 0
    assert asked == [b"GET /readyz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"]


@pytest.mark.parametrize(("host", "listening"), [("0.0.0.0", "127.0.0.1"), ("127.0.0.2", "127.0.0.2"), ("::", "::1")])
def test_it_asks_where_the_server_listens(host: str, listening: str) -> None:
    with answering(b"HTTP/1.1 200 OK\r\n\r\n", listening) as (port, _):
        assert probe(PORT=str(port), HOST=host).returncode == 0


@pytest.mark.parametrize("port", ["http", "-1", "99999999999999999999"])
def test_a_port_that_is_none_is_a_sentence_and_no_traceback(port: str) -> None:
    done = probe(PORT=port)
    assert done.returncode == 1
    assert done.stderr.startswith(f"Not ready: no answer on port {port}: ")


def test_it_imports_no_more_than_it_needs() -> None:
    program = "import sys, fargate.probe; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=True)
    assert not set(done.stdout.split()) & {"http.client", "urllib.request", "ssl", "email", "chalice", "asyncio"}
