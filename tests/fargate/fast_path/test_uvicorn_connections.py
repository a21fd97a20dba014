"""Under uvicorn, the protocol of the fast path and uvicorn's own share a connection."""

import asyncio
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any

import uvicorn
from chalice.app import Chalice, Response
from uvicorn.server import ServerState

from fargate.asgi import AsgiAdapter, create_asgi_app
from fargate.servers.limits import Limits
from fargate.servers.uvicorn_fast_path import FastPathProtocol
from fargate.settings import Settings

GET = b"GET /%b HTTP/1.1\r\nHost: x\r\n\r\n"


class App:
    """An app whose fast path waits for an event, and the server that serves it."""

    def __init__(self) -> None:
        self.called, self.may_answer = asyncio.Event(), asyncio.Event()
        self.protocols: list[FastPathProtocol] = []
        app = Chalice("connections")
        app.route("/{name}", methods=["GET", "POST"])(lambda name: Response("the handler"))
        app.fast_path = {("GET", "/{name}"): (self.from_memory, self.from_loop)}  # type: ignore[attr-defined]
        adapter = create_asgi_app(app, Settings())
        assert isinstance(adapter, AsgiAdapter)
        self.adapter = adapter

    def from_memory(self, parameters: Mapping[str, str], headers: Any) -> Response | None:
        self.called.set()
        return Response("memory") if parameters["name"] == "memory" else None

    async def from_loop(self, parameters: Mapping[str, str], headers: Any) -> Response | None:
        if parameters["name"] == "handler":
            return None
        await self.may_answer.wait()
        return Response("loop")

    @asynccontextmanager
    async def connected(
        self, keep_alive_seconds: float = 60
    ) -> AsyncIterator[tuple[asyncio.StreamReader, asyncio.StreamWriter]]:
        """Serve, and open a connection."""
        config = uvicorn.Config(self.adapter, log_config=None, timeout_keep_alive=keep_alive_seconds)  # type: ignore[arg-type]
        config.load()
        state = ServerState()

        def protocol() -> FastPathProtocol:
            self.protocols.append(FastPathProtocol(config, state, {}))
            return self.protocols[-1]

        server = await asyncio.get_running_loop().create_server(protocol, "127.0.0.1", 0)
        async with server:
            reader, writer = await asyncio.open_connection(*server.sockets[0].getsockname())
            yield reader, writer
            writer.close()


async def head_of_next(reader: asyncio.StreamReader) -> bytes:
    head = await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), 10)
    length = next(int(line[16:]) for line in head.lower().split(b"\r\n") if line.startswith(b"content-length: "))
    return head + await reader.readexactly(length)


def test_a_thread_may_call_the_handler_though_the_loop_has_not_moved_on() -> None:
    async def ask() -> bytes:
        app = App()
        submit = app.adapter._workers.submit

        def slowly(*arguments: Any) -> Any:
            answer = submit(*arguments)
            time.sleep(0.2)  # the thread has long begun
            return answer

        app.adapter._workers.submit = slowly  # type: ignore[method-assign]
        async with app.connected() as (reader, writer):
            writer.write(GET % b"handler")
            return await head_of_next(reader)

    assert asyncio.run(ask()).endswith(b"the handler")


def test_a_body_that_looks_like_a_request_is_a_body() -> None:
    async def ask() -> tuple[bytes, bool]:
        app = App()
        async with app.connected() as (reader, writer):
            body = GET % b"memory"
            writer.write(
                b"POST /handler HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: %d\r\n\r\n" % len(body)
            )
            assert await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), 10) == b"HTTP/1.1 100 Continue\r\n\r\n"
            writer.write(body)
            return await head_of_next(reader), app.called.is_set()

    answer, smuggled = asyncio.run(ask())
    assert answer.endswith(b"the handler")
    assert not smuggled


def test_a_client_that_does_not_read_is_sent_nothing_more() -> None:
    async def ask() -> bytes:
        app = App()
        async with app.connected() as (reader, writer):
            writer.write(GET % b"memory")
            await head_of_next(reader)
            app.called.clear()
            app.protocols[0].pause_writing()
            writer.write(GET % b"memory")
            await asyncio.wait_for(app.called.wait(), 10)
            try:
                early = await asyncio.wait_for(reader.read(1), 0.3)
            except TimeoutError:
                early = b""
            assert early == b""
            app.protocols[0].resume_writing()
            return await head_of_next(reader)

    assert asyncio.run(ask()).endswith(b"memory")


def test_a_shutdown_waits_for_the_response_and_closes_after_it() -> None:
    async def ask() -> tuple[bytes, bytes]:
        app = App()
        async with app.connected() as (reader, writer):
            writer.write(GET % b"loop")
            await asyncio.wait_for(app.called.wait(), 10)
            app.protocols[0].shutdown()
            app.may_answer.set()
            return await head_of_next(reader), await asyncio.wait_for(reader.read(), 10)

    answer, rest = asyncio.run(ask())
    assert b"connection: close" in answer
    assert answer.endswith(b"loop")
    assert rest == b""


def test_uvicorns_keep_alive_timer_does_not_end_a_request_of_the_fast_path() -> None:
    async def ask() -> bytes:
        app = App()
        async with app.connected(keep_alive_seconds=0.2) as (reader, writer):
            writer.write(b"HEAD /handler HTTP/1.1\r\nHost: x\r\n\r\n")
            await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), 10)
            writer.write(GET % b"loop")
            await asyncio.sleep(0.5)  # longer than the timer
            app.may_answer.set()
            return await head_of_next(reader)

    assert asyncio.run(ask()).endswith(b"loop")


LIMITS = Limits(head_seconds=10, body_seconds=20, idle_seconds=30)


def test_a_connection_is_closed_once_it_was_idle_for_long_enough() -> None:
    async def ask() -> bytes:
        app = App()
        async with app.connected() as (reader, writer):
            writer.write(GET % b"memory")
            await head_of_next(reader)
            (protocol,) = app.protocols
            protocol.sweep(LIMITS, 0)
            writer.write(GET % b"memory")
            await head_of_next(reader)
            protocol.sweep(LIMITS, 30)  # idle again, but not for long
            protocol.sweep(LIMITS, 59)
            assert not protocol._transport.is_closing()
            protocol.sweep(LIMITS, 60)
            return await asyncio.wait_for(reader.read(), 10)

    assert asyncio.run(ask()) == b""


def test_a_request_that_is_being_answered_is_never_late() -> None:
    async def ask() -> bytes:
        app = App()
        async with app.connected() as (reader, writer):
            writer.write(GET % b"loop")
            await app.called.wait()
            for now in (0, 1000):
                app.protocols[0].sweep(LIMITS, now)
            app.may_answer.set()
            return await head_of_next(reader)

    assert asyncio.run(ask()).endswith(b"loop")


def test_each_head_has_its_own_time() -> None:
    async def received(protocol: FastPathProtocol, times: int) -> None:
        while protocol._receipts < times:
            await asyncio.sleep(0)

    async def ask() -> list[bytes]:
        app = App()
        async with app.connected() as (reader, writer):
            writer.write(b"POST /handler HTTP/1.1\r\nHost: x\r\nContent-Le")
            while not app.protocols:
                await asyncio.sleep(0)
            (protocol,) = app.protocols
            await received(protocol, 1)
            protocol.sweep(LIMITS, 0)
            writer.write(b"ngth: 0\r\n\r\n")
            first = await head_of_next(reader)
            writer.write(b"POST /handler HTTP/1.1\r\n")
            await received(protocol, 3)
            protocol.sweep(LIMITS, 9)
            protocol.sweep(LIMITS, 18)
            assert not protocol._transport.is_closing()
            protocol.sweep(LIMITS, 19)
            return [first, await head_of_next(reader)]

    first, second = asyncio.run(asyncio.wait_for(ask(), 30))
    assert first.startswith(b"HTTP/1.1 200 ")
    assert second.startswith(b"HTTP/1.1 408 ")
