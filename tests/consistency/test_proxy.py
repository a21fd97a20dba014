"""The faulty network does what it is told, and nothing else."""

import socket
import threading
import time
from collections.abc import Iterator

import pytest

from local.ports import LOOPBACK
from tests.consistency.proxy import Network, Proxy

SOON = 0.15


class Echo:
    """A server that sends back what it gets, in capitals, and keeps it."""

    def __init__(self) -> None:
        self.got: list[bytes] = []
        self._listener = socket.create_server((LOOPBACK, 0))
        self.port = self._listener.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self) -> None:
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, connection: socket.socket) -> None:
        with connection:
            try:
                while data := connection.recv(65_536):
                    self.got.append(data)
                    connection.sendall(data.upper())
            except OSError:
                return

    def close(self) -> None:
        self._listener.close()


@pytest.fixture
def echo() -> Iterator[Echo]:
    server = Echo()
    yield server
    server.close()


@pytest.fixture
def proxy(echo: Echo) -> Iterator[Proxy]:
    with Network() as network:
        yield network.proxy(echo.port)


def connect(proxy: Proxy) -> socket.socket:
    return socket.create_connection((LOOPBACK, proxy.port), timeout=5)


def ask(client: socket.socket, question: bytes) -> bytes:
    client.sendall(question)
    answer = b""
    while len(answer) < len(question):
        answer += client.recv(65_536)
    return answer


def is_silent(client: socket.socket, seconds: float = SOON) -> bool:
    client.settimeout(seconds)
    try:
        return client.recv(1) is None
    except TimeoutError:
        return True
    finally:
        client.settimeout(5)


def wait_for(server: Echo, *got: bytes) -> None:
    deadline = time.monotonic() + 5
    while b"".join(server.got) != b"".join(got):
        assert time.monotonic() < deadline, server.got
        time.sleep(0.005)


def test_bytes_pass_unchanged_and_round_trips_are_counted(proxy: Proxy) -> None:
    with connect(proxy) as one, connect(proxy) as other:
        assert ask(one, b"first") == b"FIRST"
        assert ask(one, b"second") == b"SECOND"
        assert ask(other, b"x" * 1_000_000) == b"X" * 1_000_000
    assert proxy.connections == 2
    assert proxy.round_trips >= 3


def test_a_round_trip_is_a_burst_that_is_answered(proxy: Proxy) -> None:
    with connect(proxy) as client:
        for count in range(1, 4):
            ask(client, b"question")
            assert proxy.round_trips == count


def test_a_delay_holds_back_in_its_direction_and_keeps_the_order(proxy: Proxy, echo: Echo) -> None:
    with connect(proxy) as client:
        proxy.delay(to_client=(0.05, 0.1))
        began = time.monotonic()
        client.sendall(b"a")
        wait_for(echo, b"a")
        assert client.recv(1) == b"A"
        assert time.monotonic() - began >= 0.05
        proxy.delay(to_server=(0.0, 0.05))
        sent = b"".join(b"%03d" % number for number in range(100))
        for number in range(100):
            client.sendall(b"%03d" % number)
            time.sleep(0.001)
        wait_for(echo, b"a", sent)
        proxy.delay()
        with client.makefile("rb") as answers:
            assert answers.read(300) == sent


def test_frozen_nothing_passes_and_after_the_thaw_all_of_it_does(proxy: Proxy, echo: Echo) -> None:
    with connect(proxy) as client:
        assert ask(client, b"before") == b"BEFORE"
        proxy.freeze()
        client.sendall(b"held")
        assert is_silent(client)
        with connect(proxy) as newcomer:
            newcomer.sendall(b"new")
            assert is_silent(newcomer)
            assert echo.got == [b"before"]
            proxy.thaw()
            assert client.recv(4) == b"HELD"
            assert newcomer.recv(3) == b"NEW"


def test_what_was_held_arrives_even_where_its_sender_has_given_up(proxy: Proxy, echo: Echo) -> None:
    proxy.freeze()
    with connect(proxy) as client:
        client.sendall(b"late")
    time.sleep(SOON)
    assert not echo.got
    proxy.thaw()
    wait_for(echo, b"late")


def test_dropped_connections_are_reset_and_new_ones_work(proxy: Proxy) -> None:
    with connect(proxy) as client:
        ask(client, b"x")
        proxy.drop()
        with pytest.raises(ConnectionResetError):
            client.recv(1)
    with connect(proxy) as client:
        assert ask(client, b"x") == b"X"


def test_a_cut_comes_after_delivery_and_only_where_it_was_asked_for(proxy: Proxy, echo: Echo) -> None:
    proxy.cut_after_delivery(matching=b"COMMIT")
    with connect(proxy) as client:
        assert ask(client, b"begin") == b"BEGIN"
        client.sendall(b"COMMIT")
        with pytest.raises(ConnectionResetError):
            client.recv(1)
    assert echo.got == [b"begin", b"COMMIT"]
    with connect(proxy) as client:
        assert ask(client, b"COMMIT") == b"COMMIT"


def test_refused_until_accepted_again(proxy: Proxy) -> None:
    proxy.refuse()
    with pytest.raises(ConnectionRefusedError):
        connect(proxy)
    proxy.accept()
    with connect(proxy) as client:
        assert ask(client, b"x") == b"X"


def test_after_a_fail_over_another_server_answers(proxy: Proxy, echo: Echo) -> None:
    other = Echo()
    with connect(proxy) as client:
        ask(client, b"x")
        proxy.fail_over(other.port)
        with pytest.raises(ConnectionResetError):
            client.recv(1)
    with connect(proxy) as client:
        ask(client, b"y")
    assert (echo.got, other.got) == ([b"x"], [b"y"])
    other.close()


def test_a_server_that_is_down_resets_its_clients(proxy: Proxy, echo: Echo) -> None:
    echo.close()
    proxy.fail_over(1)
    with pytest.raises(ConnectionResetError), connect(proxy) as client:  # perhaps before connect has returned
        client.recv(1)


def test_a_tap_hears_what_is_sent(proxy: Proxy) -> None:
    heard: list[tuple[int, bytes]] = []
    proxy.taps.append(lambda connection, data: heard.append((connection, data)))
    with connect(proxy) as client:
        ask(client, b"x")
    assert heard == [(1, b"x")]
