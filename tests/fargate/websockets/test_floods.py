"""Clients that send much: they take no more memory than others, and a drain ends in time and in order."""

import asyncio
import contextlib
from concurrent.futures import ThreadPoolExecutor
from threading import Thread

import httpx
import pytest
from websockets.exceptions import ConnectionClosed
from wsproto.events import TextMessage

from fargate.websockets.protocol import SocketLimits
from local.waiting import wait_until
from tests.fargate.websockets.conftest import SECONDS, Sockets, serving_sockets, unconnected
from tests.fargate.websockets.wire import frame, handshake, raw, read_until

PING, PONG = b"\x89\xfd\0\0\0\0" + b"p" * 125, b"\x8a\x7d"


def test_a_client_that_does_not_read_is_answered_nothing(sockets: Sockets) -> None:
    """No pings, which RFC 6455, section 5.5.3, allows, and no errors; once it has read, later ones are answered."""
    with raw(sockets) as wire, httpx.Client() as http:
        wire.sendall(handshake())
        read_until(wire, b"\r\n\r\n")
        wire.sendall(frame(b"id"))
        here = wire.recv(100)[2:].decode()
        unread = 0
        while http.post(f"{sockets.server.url}/send/{here}", content="x" * 131_072).status_code == 200:
            unread += 10 + 131_072
        http.post(f"{sockets.server.url}/go-on")
        wire.sendall(PING * 3 + frame(b"raise") + frame(b"wait"))
        assert wait_until(lambda: sockets.events(here)[-1].get("body") == "wait", SECONDS)
        while unread > 0:
            unread -= len(wire.recv(min(unread, 65536)))
        wire.sendall(PING + frame(b"then"))
        assert read_until(wire, b"then") == PONG + b"p" * 125 + b"\x81\x04then"


def test_a_handler_may_send_faster_than_the_event_loop(sockets: Sockets) -> None:
    """More at once than may be unread: it waits for the loop, and is not told that its client is slow."""
    with sockets.connect() as client:
        client.send("many 12")
        assert [len(client.recv(SECONDS)) for _ in range(12)] == [128 * 1024] * 12


def test_fragments_without_a_byte_are_not_kept() -> None:
    async def pieces_of_a_message_without_end() -> list[str]:
        made = unconnected(SocketLimits(1024, 1024, 60, 60))
        for _ in range(100):
            made._take_text(TextMessage("", frame_finished=True, message_finished=False))
        return made._pieces

    assert asyncio.run(pieces_of_a_message_without_end()) == []


def test_a_drain_reads_no_more_and_handles_what_has_come() -> None:
    """Else messages would come for ever, and be handled when their connection is closed already."""
    with serving_sockets(ACCESS_LOG_ONE_IN="1") as sockets, ThreadPoolExecutor() as threads:
        floods = [threads.submit(flood, sockets) for _ in range(2)]
        sockets.server.awaited_output("on_ws_message message success")
        sockets.server.process.terminate()
        heard = [each.result(SECONDS) for each in floods]
        assert all(messages == [str(number) for number in range(len(messages))] for messages in heard)
        assert sockets.server.process.wait(SECONDS) == 0
        output = sockets.server.output()
        assert "on_ws_message message error" not in output
        assert output.count("on_ws_message message success") == sum(map(len, heard))
        assert output.count("on_ws_disconnect disconnect success") == len(heard)


def test_a_handler_that_never_ends_holds_up_no_drain() -> None:
    with serving_sockets(DRAIN_SECONDS="1") as sockets, sockets.connect() as stuck, sockets.connect() as client:
        here = sockets.ask(stuck, "id")
        stuck.send("wait")
        assert wait_until(lambda: sockets.events(here)[-1].get("body") == "wait", SECONDS)
        sockets.server.process.terminate()
        with pytest.raises(ConnectionClosed):
            client.recv(SECONDS)
        assert client.close_code == 1001
        assert sockets.server.process.wait(SECONDS) == 0
        assert "Requests were still running after 1 s" in sockets.server.output()


def flood(sockets: Sockets) -> list[str]:
    """Send many messages at once; return those that have come back when the connection is closed."""
    heard: list[str] = []

    def listen() -> None:
        with contextlib.suppress(ConnectionClosed):
            while True:
                heard.append(str(client.recv(SECONDS)))

    with sockets.connect() as client:
        listener = Thread(target=listen)
        listener.start()
        with contextlib.suppress(ConnectionClosed):
            for number in range(3000):
                client.send(str(number))
        listener.join(SECONDS)
    assert client.close_code == 1001
    return heard
