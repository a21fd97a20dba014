"""A TCP proxy that misbehaves on demand, between a client and its server, both on this machine.

What must hold: bytes arrive unchanged and in order or not at all; what was held back while frozen arrives after the
thaw even where its sender has given up meanwhile, as it does in a network that retransmits. A cut comes after the
server has answered, so what was asked has happened and its client cannot know.
"""

import asyncio
import random
import socket
import struct
import threading
from collections import deque
from collections.abc import Callable, Coroutine
from types import TracebackType
from typing import Any, TypeVar

from local.ports import LOOPBACK, free_port

T = TypeVar("T")

ANSWER_SECONDS = 10.0
NO_DELAY = (0.0, 0.0)
_RESET_ON_CLOSE = struct.pack("ii", 1, 0)

Delay = tuple[float, float]
"""The least and the most seconds that bytes are held back in one direction."""

Tap = Callable[[int, bytes], None]
"""Is told what each connection, by its number, has sent to the server."""


class Network:
    """The thread in which proxies run: `with Network() as network: proxy = network.proxy(port)`."""

    def __init__(self, seed: int = 0) -> None:
        self.loop = asyncio.new_event_loop()
        self.random = random.Random(seed)
        self._thread = threading.Thread(target=self.loop.run_forever, name="proxies", daemon=True)
        self._proxies: list[Proxy] = []

    def __enter__(self) -> "Network":
        self._thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        for proxy in self._proxies:
            proxy.close()
        self.loop.call_soon_threadsafe(self.loop.stop)
        self._thread.join(ANSWER_SECONDS)
        self.loop.close()

    def proxy(self, upstream: int) -> "Proxy":
        """Start a proxy to a port of this machine."""
        proxy = Proxy(self, upstream)
        self._proxies.append(proxy)
        return proxy

    def call(self, work: Coroutine[Any, Any, T]) -> T:
        """Do something in the proxies' thread and wait for it."""
        return asyncio.run_coroutine_threadsafe(work, self.loop).result(ANSWER_SECONDS)


class Proxy:
    """Listens on `port` and passes on to `upstream`; its methods may be called from any thread."""

    def __init__(self, network: Network, upstream: int) -> None:
        self.port = free_port()
        self.upstream = upstream
        self.frozen = False
        self.to_server: Delay = NO_DELAY
        self.to_client: Delay = NO_DELAY
        self.connections = 0  # that were ever opened
        self.round_trips = 0  # bursts of a client that were answered
        self.taps: list[Tap] = []
        self.network = network
        self._cuts = 0
        self._cut_on = b""
        self._links: set[Link] = set()
        self._server: asyncio.Server | None = None
        network.call(self._listen())

    def delay(self, to_server: Delay = NO_DELAY, to_client: Delay = NO_DELAY) -> None:
        """Hold back what is sent from now on; without arguments, no longer."""
        self.to_server, self.to_client = to_server, to_client

    def freeze(self) -> None:
        """Pass nothing on, in either direction; connections stay, and new ones are taken."""
        self.frozen = True

    def thaw(self) -> None:
        """Pass on what was held back, and all that follows."""
        self.frozen = False
        self.network.call(self._pump())

    def drop(self) -> None:
        """Reset every connection, on both sides."""
        self.network.call(self._drop())

    def cut_after_delivery(self, times: int = 1, matching: bytes = b"") -> None:
        """Reset as many clients in the place of the answer to what they sent (if that contains `matching`)."""
        self._cut_on, self._cuts = matching, times

    def refuse(self) -> None:
        """Reset every connection and refuse new ones."""
        self.network.call(self._stop_listening())
        self.drop()

    def accept(self) -> None:
        """Take connections again."""
        self.network.call(self._listen())

    def fail_over(self, upstream: int) -> None:
        """Reset every connection; new ones go to another server."""
        self.upstream = upstream
        self.drop()

    def heal(self) -> None:
        """End every delay, freeze and cut that was asked for."""
        self.delay()
        self._cuts = 0
        self.thaw()

    def close(self) -> None:
        """Reset every connection and stop listening."""
        self.refuse()

    def takes_cut(self, data: bytes) -> bool:
        """Whether these bytes are some that a cut was asked for; then it is one less."""
        if not self._cuts or self._cut_on not in data:
            return False
        self._cuts -= 1
        return True

    async def _listen(self) -> None:
        if self._server is None:
            self._server = await self.network.loop.create_server(self._new_link, LOOPBACK, self.port, backlog=512)

    def _new_link(self) -> "ClientSide":
        self.connections += 1
        link = Link(self, self.connections)
        self._links.add(link)
        return ClientSide(link)

    def forget(self, link: "Link") -> None:
        """Leave a link that has ended alone."""
        self._links.discard(link)

    async def _stop_listening(self) -> None:
        if self._server is not None:
            self._server.close()
            self._server = None

    async def _drop(self) -> None:
        for link in list(self._links):
            link.reset()

    async def _pump(self) -> None:
        for link in list(self._links):
            link.to_server.pump()
            link.to_client.pump()


class Stream:
    """One direction of a link: what is under way, and when each part of it is due."""

    def __init__(self, proxy: Proxy, draw: Callable[[], Delay], deliver: Callable[[bytes | None], bool]) -> None:
        self._proxy = proxy
        self._draw = draw
        self._deliver = deliver
        self._held: deque[tuple[float, bytes | None]] = deque()
        self._due = 0.0

    def take(self, data: bytes | None) -> None:
        """Take bytes, or None for the end of them."""
        least, most = self._draw()
        delay = self._proxy.network.random.uniform(least, most) if most else 0.0
        self._due = max(self._due, self._proxy.network.loop.time() + delay)
        self._held.append((self._due, data))
        self.pump()

    def pump(self) -> None:
        """Deliver what is due, as far as the other end can take it now."""
        loop = self._proxy.network.loop
        while self._held and not self._proxy.frozen:
            due, data = self._held[0]
            if due > loop.time():
                loop.call_at(due, self.pump)
                return
            if not self._deliver(data):
                return
            self._held.popleft()


class Link:
    """A client's connection and the one made for it to the server."""

    def __init__(self, proxy: Proxy, number: int) -> None:
        self.to_server = Stream(proxy, lambda: proxy.to_server, self._deliver_to_server)
        self.to_client = Stream(proxy, lambda: proxy.to_client, self._deliver_to_client)
        self._proxy = proxy
        self._number = number
        self._client: asyncio.Transport | None = None
        self._server: asyncio.Transport | None = None
        self._connecting: asyncio.Task[None] | None = None
        self._asked = False
        self._doomed = False
        self._ended = False

    def client_arrived(self, transport: asyncio.Transport) -> None:
        """Connect to the server in its turn."""
        self._client = transport
        self._connecting = self._proxy.network.loop.create_task(self._connect())

    def server_arrived(self, transport: asyncio.Transport) -> None:
        """Pass on what the client has sent meanwhile."""
        self._server = transport
        if self._ended:
            transport.abort()
        self.to_server.pump()

    def answered(self, data: bytes | None) -> None:
        """Take what the server says, None being the end; a doomed client is not told."""
        if self._asked and data is not None:
            self._asked = False
            self._proxy.round_trips += 1
        if self._doomed:
            self.reset()
        else:
            self.to_client.take(data)

    def reset(self) -> None:
        """End both connections at once, and have both ends know that something broke."""
        self._ended = True
        self._proxy.forget(self)
        for transport in (self._client, self._server):
            if transport is not None and not transport.is_closing():
                transport.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET_ON_CLOSE)
                transport.abort()

    async def _connect(self) -> None:
        try:
            await self._proxy.network.loop.create_connection(lambda: ServerSide(self), LOOPBACK, self._proxy.upstream)
        except OSError:
            self.reset()

    def _deliver_to_server(self, data: bytes | None) -> bool:
        if self._ended or self._server is None:
            return self._ended
        if data is None:
            self._server.close()
            self._proxy.forget(self)
            return True
        for tap in self._proxy.taps:
            tap(self._number, data)
        self._asked = True
        self._doomed = self._doomed or self._proxy.takes_cut(data)
        self._server.write(data)
        return True

    def _deliver_to_client(self, data: bytes | None) -> bool:
        if self._ended or self._client is None:
            return self._ended
        if data is None:
            self._client.close()
        else:
            self._client.write(data)
        return True


class ClientSide(asyncio.Protocol):
    """What happens on a client's connection."""

    def __init__(self, link: Link) -> None:
        self._link = link

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._link.client_arrived(transport)  # type: ignore[arg-type]

    def data_received(self, data: bytes) -> None:
        self._link.to_server.take(data)

    def connection_lost(self, error: Exception | None) -> None:
        self._link.to_server.take(None)


class ServerSide(asyncio.Protocol):
    """What happens on the connection to the server."""

    def __init__(self, link: Link) -> None:
        self._link = link

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._link.server_arrived(transport)  # type: ignore[arg-type]

    def data_received(self, data: bytes) -> None:
        self._link.answered(data)

    def connection_lost(self, error: Exception | None) -> None:
        self._link.answered(None)
