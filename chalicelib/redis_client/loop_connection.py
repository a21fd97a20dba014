"""A connection to Redis for an event loop.

What must hold: no step waits on the loop's thread; a connection on which anything went wrong is closed, so that no
answer is ever taken for the answer to another question. The caller bounds how long the steps take together.
"""

import asyncio
import socket
import time
from collections.abc import Sequence
from typing import Any

import hiredis

from chalicelib.redis_client import generations
from chalicelib.redis_client.address import RedisAddress
from chalicelib.redis_client.connection import CHUNK, INCOMPLETE, greeting, packed, set_options, socket_failure
from chalicelib.redis_client.errors import RedisConnectionError, RedisLoginError, refusal
from chalicelib.redis_client.generations import Words
from chalicelib.stores.credentials import Credentials
from chalicelib.stores.logins import Logins
from chalicelib.stores.names import SocketAddress

SECRET_SECONDS = 0.02  # how long to wait for Secrets Manager: less than a lookup may take


class LoopConnection:
    """A connection for one event loop; where its credentials have rotated, it logs in with the new ones.

    `generation` is the server's, as of when it was opened, or asked again.

    Args:
        address: where the server is.
        login: the credentials.
        connect_seconds: how long looking the name up and connecting may take together.
    """

    generation = b""

    def __init__(self, address: RedisAddress, logins: Logins[RedisLoginError], connect_seconds: float) -> None:
        self._address = address
        self._logins = logins
        self._connect_seconds = connect_seconds
        self._reader: asyncio.StreamReader | None = None
        self._writer: asyncio.StreamWriter | None = None
        self._answers = hiredis.Reader(notEnoughData=INCOMPLETE)

    @property
    def is_connected(self) -> bool:
        """Whether it was opened, and not closed since by us."""
        return self._writer is not None

    @property
    def is_alive(self) -> bool:
        """Whether it is open on both sides, as far as the loop knows."""
        reader = self._reader
        return reader is not None and not reader.at_eof()

    async def connect(self) -> None:
        """Connect, log in, and ask for the server's generation; raises RedisError."""
        tried = await asyncio.to_thread(self._logins.to_try, SECRET_SECONDS)  # a secret may have to be read
        while True:
            try:
                await self._log_in(tried)
            except RedisLoginError as error:
                tried = await asyncio.to_thread(self._logins.after_refusal, tried, error, SECRET_SECONDS)
            else:
                self._logins.accept()
                return

    async def _log_in(self, credentials: Credentials) -> None:
        address = self._address
        try:
            tls = await asyncio.to_thread(address.tls_context)
            sock = await self._connected_socket()
            name = None if tls is None else address.host
            self._reader, self._writer = await asyncio.open_connection(sock=sock, ssl=tls, server_hostname=name)
        except OSError as error:
            raise socket_failure(error, address) from error
        *_, told = await self.ask_all([*greeting(address, credentials), generations.QUERY])
        self.generation = generations.parse(told)

    async def _connected_socket(self) -> socket.socket:
        """Connect to the first address that accepts; of the time that is left, each gets an equal share."""
        deadline = time.monotonic() + self._connect_seconds
        found = await asyncio.to_thread(self._address.socket_addresses, self._connect_seconds)
        failure: OSError = TimeoutError("timed out")
        for untried, address in zip(range(len(found), 0, -1), found, strict=True):
            try:
                async with asyncio.timeout((deadline - time.monotonic()) / untried):
                    return await _connected(address)
            except OSError as error:
                failure = error
        raise failure

    async def ask_all(self, commands: Sequence[Words]) -> list[Any]:
        """Send commands in one piece and return their answers; raises RedisError, and is closed then."""
        try:
            return await self._exchange(commands)
        except OSError as error:
            self.disconnect()
            raise socket_failure(error, self._address) from error
        except BaseException:
            self.disconnect()
            raise

    async def _exchange(self, commands: Sequence[Words]) -> list[Any]:
        reader, writer = self._reader, self._writer
        if reader is None or writer is None:
            raise RedisConnectionError("not connected")
        writer.write(b"".join(map(packed, commands)))
        answers: list[Any] = []
        while len(answers) < len(commands):
            answer = self._answers.gets()
            if answer is INCOMPLETE:
                self._answers.feed(await _received(reader))
            elif isinstance(answer, hiredis.ReplyError):
                raise refusal(str(answer))
            else:
                answers.append(answer)
        if self._answers.has_data():  # an answer to no question: the next one would be taken for another
            self.disconnect()
        return answers

    def disconnect(self) -> None:
        """Close the connection at once; what the server may still send is never read."""
        writer, self._writer, self._reader = self._writer, None, None
        self._answers = hiredis.Reader(notEnoughData=INCOMPLETE)
        if writer is not None:
            writer.transport.abort()


async def _connected(address: SocketAddress) -> socket.socket:
    sock = socket.socket(address.family, socket.SOCK_STREAM)
    try:
        sock.setblocking(False)
        await asyncio.get_running_loop().sock_connect(sock, address.address)
        set_options(sock)
        return sock
    except BaseException:
        sock.close()
        raise


async def _received(reader: asyncio.StreamReader) -> bytes:
    data = await reader.read(CHUNK)
    if not data:
        raise RedisConnectionError("Redis closed the connection")
    return data
