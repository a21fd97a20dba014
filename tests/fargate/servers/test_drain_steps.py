"""The steps of a drain that all servers share."""

import asyncio
import os
import signal
import socket
import time

from fargate.lifecycle import QUIET_SECONDS, Lifecycle, Phase
from fargate.servers.drain import Drain
from fargate.servers.listening import listen
from fargate.settings import Settings


def test_a_signal_before_the_server_listens_keeps_it_from_being_ready() -> None:
    lifecycle = Lifecycle(Phase.STARTING)
    with socket.socket() as listener:
        drain = Drain(listener, Settings(), lifecycle)
        with drain.on_signals():
            os.kill(os.getpid(), signal.SIGTERM)
            drain.ready()
    assert lifecycle.is_draining


def test_a_request_that_waits_for_a_blocked_loop_is_read_before_the_server_closes() -> None:
    received: list[bytes] = []
    read_at_close: list[bytes] = []

    class Reader(asyncio.Protocol):
        def connection_made(self, transport: asyncio.BaseTransport) -> None:
            self.transport = transport

        def data_received(self, data: bytes) -> None:
            received.append(data)
            self.transport.close()

    async def close() -> None:
        read_at_close.extend(received)

    async def drained(listener: socket.socket) -> bool:
        loop = asyncio.get_running_loop()
        async with await loop.create_server(Reader, sock=listener):
            with socket.create_connection(listener.getsockname()) as client:
                client.sendall(b"GET")
            loop.call_soon(time.sleep, QUIET_SECONDS + 0.1)  # a callback that blocks for longer than the drain waits
            return await Drain(listener, Settings(), Lifecycle()).finish(close)

    with listen("127.0.0.1", 0) as listener:
        assert asyncio.run(drained(listener))
    assert read_at_close == [b"GET"]
