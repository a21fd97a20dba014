"""On the fast path too, order, framing and the life of a connection are what they are for any request."""

import contextlib
import http.client
import signal
import socket
import time
from collections.abc import Iterator
from io import BufferedReader

import pytest

from tests.apps.fast_path import HANDLER
from tests.fixtures.servers import Server, serving

APP = "tests.apps.fast_path:app"
ENVIRON = {"SERVER": "uvicorn", "POWERTOOLS_TRACE_DISABLED": "true", "API_KEYS": "key"}


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    with serving(ENVIRON, APP) as server:
        yield server


class Wire:
    """A connection, written to and read from by hand."""

    def __init__(self, connection: socket.socket, answers: BufferedReader) -> None:
        self.connection = connection
        self._answers = answers

    def ask(self, *names: str, version: str = "1.1", head: str = "") -> None:
        """Send requests in one piece."""
        lines = [f"GET /thing/{name} HTTP/{version}\r\nHost: x\r\n{head}\r\n" for name in names]
        self.connection.sendall("".join(lines).encode())

    def answer(self, method: str = "GET") -> tuple[int, http.client.HTTPMessage, str]:
        """Read the next response: its status, its headers, its body."""
        status = int(self._answers.readline().split()[1])
        headers = http.client.parse_headers(self._answers)
        length = 0 if method == "HEAD" else int(headers.get("content-length", 0))
        return status, headers, self._answers.read(length).decode()

    def bodies(self, count: int) -> list[str]:
        """Read so many responses, and return their bodies."""
        return [self.answer()[2] for _ in range(count)]

    def ends(self) -> bool:
        """Wait for the other side to close."""
        return self._answers.read(1) == b""


@contextlib.contextmanager
def connected(server: Server) -> Iterator[Wire]:
    with socket.create_connection(("127.0.0.1", server.port), timeout=30) as connection:
        with connection.makefile("rb") as answers:
            yield Wire(connection, answers)


def test_what_is_asked_at_once_is_answered_in_its_order(server: Server) -> None:
    with connected(server) as wire:
        wire.ask("at-once", "later", "unknown", "at-once", "never", "later", "at-once")
        asked = ["MainThread", "later", HANDLER, "MainThread", HANDLER, "later", "MainThread"]
        assert wire.bodies(7) == asked
        wire.ask("later", "at-once")
        assert wire.bodies(2) == ["later", "MainThread"]


@pytest.mark.parametrize(("name", "body"), [("held", "held"), ("held-for-nothing", HANDLER)])
def test_whoever_waits_holds_up_nobody_but_who_comes_after_it_on_its_connection(name: str, body: str) -> None:
    with serving(ENVIRON, APP) as server, connected(server) as wire, connected(server) as other:
        wire.ask(name, "at-once")
        other.ask("at-once", "release")
        assert other.bodies(2) == ["MainThread", "released"]
        assert wire.bodies(2) == [body, "MainThread"]


def test_a_request_with_a_body_goes_the_usual_way_and_leaves_none_of_it_behind(server: Server) -> None:
    with connected(server) as wire:
        for head, body in (
            ("Content-Length: 5\r\n", "GET /"),
            ("Transfer-Encoding: chunked\r\n", "3\r\nGET\r\n0\r\n\r\n"),
        ):
            wire.connection.sendall(f"GET /thing/at-once HTTP/1.1\r\nHost: x\r\n{head}\r\n{body}".encode())
            wire.ask("later")
            assert wire.bodies(2) == ["MainThread", "later"]


def test_an_answer_to_head_has_a_head_only(server: Server) -> None:
    with connected(server) as wire:
        wire.connection.sendall(b"HEAD /both/at-once HTTP/1.1\r\nHost: x\r\n\r\n")
        status, headers, _ = wire.answer("HEAD")
        assert (status, headers["content-length"]) == (200, "10")
        wire.ask("at-once")
        assert wire.bodies(1) == ["MainThread"]


@pytest.mark.parametrize("name", ["at-once", "later"])
@pytest.mark.parametrize(("version", "head"), [("1.1", "Connection: close\r\n"), ("1.0", "")])
def test_a_connection_that_is_not_to_be_kept_is_closed(server: Server, name: str, version: str, head: str) -> None:
    with connected(server) as wire:
        wire.ask(name, version=version, head=head)
        status, headers, _ = wire.answer()
        assert (status, headers["connection"]) == (200, "close")
        assert wire.ends()


@pytest.mark.parametrize("name", ["at-once", "later"])
def test_what_cannot_be_read_is_refused_after_what_could(server: Server, name: str) -> None:
    with connected(server) as wire:
        wire.connection.sendall(f"GET /thing/{name} HTTP/1.1\r\nHost: x\r\n\r\nwhat?\r\n\r\n".encode())
        assert wire.answer()[0] == 200
        status, headers, body = wire.answer()
        assert (status, headers["connection"], body) == (400, "close", '{"message":"Bad Request"}')
        assert wire.ends()


@pytest.mark.parametrize("head", ["Host: y\r\n", "X: " + "x" * 70_000 + "\r\n"], ids=["two hosts", "too long"])
def test_what_must_be_refused_is_not_asked_for(server: Server, head: str) -> None:
    with connected(server) as wire:
        wire.ask("at-once", head=head)
        assert wire.answer()[0] in (400, 431)
        assert wire.ends()


def test_a_kept_connection_is_closed_once_nothing_has_come_for_long_enough() -> None:
    with (
        serving({**ENVIRON, "KEEP_ALIVE_SECONDS": "1"}, APP) as server,
        connected(server) as fast,
        connected(server) as slow,
    ):
        begun = time.monotonic()
        while time.monotonic() - begun < 1.2:  # each of them begins the second anew
            for wire, name in ((fast, "at-once"), (slow, "unknown")):
                wire.ask(name)
                assert wire.answer()[0] == 200
            asked = time.monotonic()
        assert fast.ends()
        assert slow.ends()
        assert time.monotonic() - asked >= 0.9


def test_whoever_goes_while_an_answer_is_awaited_leaves_no_trouble_behind() -> None:
    with serving(ENVIRON, APP) as server:
        with connected(server) as wire:
            wire.ask("held", "held")
        with connected(server) as other:
            other.ask("release", "held", "at-once")
            assert other.bodies(3) == ["released", "held", "MainThread"]
        assert server.complaints() == ""


def test_whoever_is_slow_to_read_gets_all_of_it_in_the_end(server: Server) -> None:
    with connected(server) as slow, connected(server) as other:
        slow.ask(*["large"] * 40)
        other.ask("at-once")
        assert other.bodies(1) == ["MainThread"]
        assert [len(body) for body in slow.bodies(40)] == [1_000_000] * 40


def test_what_is_awaited_is_answered_while_the_server_drains() -> None:
    with serving(ENVIRON, APP) as server, connected(server) as wire, connected(server) as other:
        wire.ask("held")
        other.ask("at-once")
        assert other.bodies(1) == ["MainThread"]  # so the one before it has been read
        server.process.send_signal(signal.SIGTERM)
        other.ask("release")
        assert other.answer()[1]["connection"] == "close"
        status, headers, body = wire.answer()
        assert (status, headers["connection"], body) == (200, "close", "held")
        assert server.process.wait(30) == 0


def test_a_request_that_waits_for_another_on_its_connection_has_a_context_of_its_own() -> None:
    with serving(ENVIRON, APP) as server, connected(server) as wire, connected(server) as other:
        wire.ask("held")
        other.ask("at-once")
        assert other.bodies(1) == ["MainThread"]  # so the request before it has been read
        wire.ask("context")
        other.ask("release")
        assert wire.bodies(2) == ["held", "nothing"]
