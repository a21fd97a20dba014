"""A connection to Redis for an event loop: opened and logged in here, then handed over to a protocol.

What must hold: no step waits on the loop's thread. How long the steps may take together is bounded by who uses it.
"""

import asyncio
from typing import Any

import hiredis

from chalicelib.redis_client import generations
from chalicelib.redis_client.address import RedisAddress
from chalicelib.redis_client.connection import CHUNK, INCOMPLETE, Login, away, greeting, packed
from chalicelib.redis_client.errors import RedisConnectionError, RedisLoginError, refusal
from chalicelib.stores.credentials import Credentials


class LoopConnection:
    """A connection for an event loop; where its credentials have rotated, it logs in with the new ones.

    `generation` is the server's, as of when it was opened.
    """

    generation = b""

    def __init__(self, address: RedisAddress, login: Login) -> None:
        self._address = address
        self._login = login
        self._writer: asyncio.StreamWriter | None = None

    async def connect(self) -> None:
        """Connect, log in, and ask for the server's generation."""
        tried = await asyncio.to_thread(self._login.current)  # a secret may have to be read
        try:
            await self._log_in(tried)
        except RedisLoginError:
            if not await asyncio.to_thread(self._login.is_renewed, tried):
                raise
            self.hang_up()
            await self._log_in(await asyncio.to_thread(self._login.current))

    async def _log_in(self, credentials: Credentials) -> None:
        address = self._address
        try:
            tls = await asyncio.to_thread(address.tls_context)
            reader, self._writer = await asyncio.open_connection(address.host, address.port, ssl=tls)
            for command in greeting(address, credentials):
                await _asked(reader, self._writer, command)
            self.generation = generations.told_by(await _asked(reader, self._writer, generations.QUESTION))
        except OSError as error:
            raise away(error, address) from error

    def hand_over(self, protocol: asyncio.Protocol) -> asyncio.WriteTransport:
        """Have `protocol` receive all that the server sends from now on; return what to write to.

        Streams, as this one was opened with, would cost a lookup more than Redis does.
        """
        assert self._writer is not None  # noqa: S101  it is connected
        transport: asyncio.WriteTransport = self._writer.transport
        transport.set_protocol(protocol)
        return transport

    def hang_up(self) -> None:
        """Close the connection at once, whoever it was handed to."""
        writer, self._writer = self._writer, None
        if writer is not None:
            writer.transport.abort()


async def _asked(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, command: generations.Words) -> Any:
    """Send one command and read its answer."""
    writer.write(packed(command))
    answers = hiredis.Reader(notEnoughData=INCOMPLETE)
    answer = answers.gets()
    while answer is INCOMPLETE:
        data = await reader.read(CHUNK)
        if not data:
            raise RedisConnectionError("Redis closed the connection")
        answers.feed(data)
        answer = answers.gets()
    if isinstance(answer, hiredis.ReplyError):
        raise refusal(str(answer))
    return answer
