"""After SIGTERM a server accepts connections for DRAIN_ACCEPT_SECONDS: a load balancer still opens them."""

import contextlib
import http.client
import signal
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

import httpx
import pytest

from fargate.settings import Server as Kind
from local.waiting import wait_until
from tests.contract.clients.connection import Connection
from tests.contract.clients.messages import Response
from tests.fargate.servers.test_drain import END_SECONDS, swallow, wait_until_accepted
from tests.fixtures.servers import Server, serving

LONG = "60"  # longer than any test waits: only a second signal ends it
CONNECT_SECONDS = 1
EVERY_SERVER = pytest.mark.parametrize("kind", list(Kind))


def target(path: str, version: str = "1.1", *headers: str, method: str = "GET") -> bytes:
    return "\r\n".join([f"{method} {path} HTTP/{version}", "Host: x", *headers, "", ""]).encode()


ANSWERS = {
    "a handler": (200, target("/thing/other")),
    "a handler, HTTP/1.0": (200, target("/thing/other", "1.0")),
    "a handler, HTTP/1.0 that wants to be kept": (200, target("/thing/other", "1.0", "Connection: keep-alive")),
    "a handler, HTTP/1.1 that wants to be kept": (200, target("/thing/other", "1.1", "Connection: keep-alive")),
    "from memory": (200, target("/thing/at-once")),
    "from memory, HTTP/1.0": (200, target("/thing/at-once", "1.0")),
    "from memory, HTTP/1.0 that wants to be kept": (200, target("/thing/at-once", "1.0", "Connection: keep-alive")),
    "from the loop": (200, target("/thing/later")),
    "without a body": (304, target("/unchanged")),
    "a head alone": (200, target("/both/other", method="HEAD")),
    "liveness": (200, target("/livez")),
    "readiness": (503, target("/readyz")),
    "readiness, HTTP/1.0": (503, target("/readyz", "1.0", "Connection: keep-alive")),
    "no such path": (404, target("/nowhere")),
    "no such method": (405, target("/thing/other", method="DELETE")),
    "no key": (403, target("/thing/other", "1.1", "Content-Length: 0", method="POST")),
    "not HTTP": (400, target("/thing/other", "1.1", "No colon")),
    "not HTTP, HTTP/1.0": (400, target("/thing/other", "1.0", "Connection: keep-alive", "No colon")),
    "a head that is too long": (431, target("/thing/other", "1.1", "X: " + "x" * 2000)),
}
GRANIAN_ADDS = {"close, keep-alive": "close"}
"""What granian adds for HTTP/1.0 clients that send keep-alive; "close" wins (RFC 9112, section 9.3)."""


@EVERY_SERVER
def test_while_accepting_every_response_closes_its_connection(kind: Kind) -> None:
    environ = {"SERVER": kind, "DRAIN_ACCEPT_SECONDS": LONG, "MAX_HEADER_BYTES": "1024"}
    with serving(environ, "tests.apps.fast_path:app") as server, contextlib.ExitStack() as closing:
        kept = Connection(server.port)
        closing.callback(kept.close)
        kept.send(target("/livez"))
        assert answered(kept).all("connection") == []
        server.process.send_signal(signal.SIGTERM)
        wait_until_draining(server)
        kept.send(target("/livez"))
        assert (answered(kept).all("connection"), kept.read()) == (["close"], None)
        seen = {}
        for name, (_, request) in ANSWERS.items():
            connection = Connection(server.port)
            closing.callback(connection.close)
            connection.send(request)
            answer = answered(connection, "HEAD" if request.startswith(b"HEAD") else "GET")
            said = [each.lower() for each in answer.all("connection")]
            if kind is Kind.GRANIAN:
                said = [GRANIAN_ADDS.get(each, each) for each in said]
            seen[name] = (answer.status, said, connection.read())
        assert seen == {name: (status, ["close"], None) for name, (status, _) in ANSWERS.items()}
        server.process.send_signal(signal.SIGTERM)
        assert server.process.wait(END_SECONDS) == 0, server.output()


def answered(connection: Connection, method: str = "GET") -> Response:
    answer = connection.read(method)
    assert answer is not None
    return answer


def wait_until_draining(server: Server) -> None:
    """Wait until /readyz answers 503, over a new connection each time."""
    deadline = time.monotonic() + END_SECONDS
    while (answer := httpx.get(f"{server.url}/readyz")).status_code == 200:
        assert time.monotonic() < deadline
    assert (answer.status_code, answer.json(), answer.headers["connection"]) == (503, {"message": "Draining"}, "close")


@dataclass(slots=True)
class Balancer:
    """Sends requests one after the other, each over a new connection, until connecting fails."""

    port: int
    answered: list[int] = field(default_factory=list)
    refused_at: list[float] = field(default_factory=list)

    def send(self) -> None:
        while True:
            connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=CONNECT_SECONDS)
            try:
                connection.connect()
            except OSError:  # refused, or dropped by the kernel
                self.refused_at.append(time.monotonic())
                return
            connection.sock.settimeout(END_SECONDS)
            connection.request("GET", "/echo/x")
            self.answered.append(connection.getresponse().status)
            connection.close()


@EVERY_SERVER
def test_new_connections_are_served_for_that_long_and_then_refused(kind: Kind) -> None:
    accept_seconds = 2  # more than a connection that is dropped takes to fail
    environ = {"SERVER": kind, "DRAIN_ACCEPT_SECONDS": str(accept_seconds)}
    with serving(environ, "tests.apps.echo:app") as server, ThreadPoolExecutor(4) as pool:
        slow = Connection(server.port)
        slow.send(target("/echo/slow", "1.1", "Content-Type: application/json", "Content-Length: 2", method="POST"))
        balancer = Balancer(server.port)
        clients = [pool.submit(balancer.send) for _ in range(4)]
        assert wait_until(lambda: len(balancer.answered) > 100, END_SECONDS)
        sent_at = time.monotonic()
        server.process.send_signal(signal.SIGTERM)
        for each in clients:
            each.result(END_SECONDS)
        assert min(balancer.refused_at) >= sent_at + accept_seconds
        assert set(balancer.answered) == {200}
        assert server.process.poll() is None, "connections were refused only once it had ended"
        slow.send(b"{}")
        assert (answered(slow).all("connection"), slow.read()) == (["close"], None)
        slow.close()
        assert server.process.wait(END_SECONDS) == 0, server.output()


@EVERY_SERVER
@pytest.mark.parametrize(
    "signals", [(signal.SIGTERM, signal.SIGINT), (signal.SIGINT,)], ids=["SIGTERM, SIGINT", "SIGINT"]
)
def test_ctrl_c_skips_the_time_of_accepting(kind: Kind, signals: tuple[signal.Signals, ...]) -> None:
    with serving({"SERVER": kind, "DRAIN_ACCEPT_SECONDS": LONG}, "tests.apps.echo:app") as server:
        for number in signals:
            if number is not signals[0]:
                wait_until_draining(server)
            server.process.send_signal(number)
        assert server.process.wait(END_SECONDS) == 0, server.output()


@EVERY_SERVER
def test_accepting_and_draining_follow_each_other(kind: Kind) -> None:
    """A request that does not end is cut off after the sum of both times."""
    environ = {"SERVER": kind, "DRAIN_ACCEPT_SECONDS": "1", "DRAIN_SECONDS": "1"}
    with serving(environ, "tests.apps.echo:app") as server:
        stuck = threading.Thread(target=swallow, args=(f"{server.url}/echo/x?pause=60",))
        stuck.start()
        wait_until_accepted(server.port, 1)
        sent_at = time.monotonic()
        server.process.send_signal(signal.SIGTERM)
        assert server.process.wait(END_SECONDS) == 0
        assert time.monotonic() >= sent_at + 2
        assert "after 1 s" in server.output()
        stuck.join()
