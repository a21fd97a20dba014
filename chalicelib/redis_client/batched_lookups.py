"""Lookups in Redis from an event loop: one exchange at a time, of all that was asked while the last one was under way.

So a lookup costs a part of a system call, and no thread waits for it. What must hold: a lookup is sent after it was
asked, and never joins an exchange that is under way.
"""

import asyncio
import time
from collections.abc import Callable, Sequence
from typing import NamedTuple

from chalicelib.redis_client import generations
from chalicelib.redis_client.errors import RedisConnectionError, RedisError, RedisResponseError, RedisTimeoutError
from chalicelib.redis_client.generations import Argument, Words
from chalicelib.redis_client.loop_connection import LoopConnection

Answer = bytes | None
Exchanged = Callable[[float, Exception | None], None]
"""Called after each exchange with its duration in seconds, and the error or None."""


class Lookup(NamedTuple):
    """One command, and the future of its answer."""

    command: Words
    answer: "asyncio.Future[Answer]"


class BatchedLookups:
    """Lookups over one connection, for one event loop after the other. Not thread-safe: for the loop's thread alone.

    Args:
        connect: makes a connection, not yet connected.
        seconds: how long an exchange may take, with connecting where that is due.
        exchanged: called after each exchange.
    """

    def __init__(self, connect: Callable[[], LoopConnection], seconds: float, exchanged: Exchanged) -> None:
        self._connect = connect
        self._seconds = seconds
        self._exchanged = exchanged
        self._loop: asyncio.AbstractEventLoop | None = None
        self._connection = connect()
        self._exchanging: asyncio.Task[None] | None = None
        self._waiting: list[Lookup] = []
        self._generation_asked_at = 0.0

    def ask(self, *command: Argument) -> "asyncio.Future[Answer]":
        """Return the entry that one command will find, without its generation; to be awaited in this loop.

        The server's generation is put in the command; an entry of another one is None.
        Awaiting raises RedisError where Redis is away, too slow, or refuses.
        """
        loop = asyncio.get_running_loop()
        if loop is not self._loop:  # the last one has ended: its connection is of no use in another
            self._loop, self._connection, self._exchanging, self._waiting = loop, self._connect(), None, []
        answer: asyncio.Future[Answer] = loop.create_future()
        self._waiting.append(Lookup(command, answer))
        if self._exchanging is None:
            self._exchanging = loop.create_task(self._exchange_all())
        return answer

    async def close(self) -> None:
        """Close the connection; what is asked afterwards opens it anew."""
        if self._exchanging is not None:
            self._exchanging.cancel()
        self._connection.disconnect()

    async def _exchange_all(self) -> None:
        try:
            while self._waiting:
                asked, self._waiting = self._waiting, []
                await self._exchange(asked)
        finally:
            self._exchanging = None

    async def _exchange(self, asked: Sequence[Lookup]) -> None:
        began = time.perf_counter()
        try:
            async with asyncio.timeout(self._seconds):
                entries = await self._entries([lookup.command for lookup in asked])
        except TimeoutError:
            self._fail(asked, began, RedisTimeoutError(f"Redis took longer than {self._seconds} s"))
        except RedisError as error:
            self._fail(asked, began, error)
        except Exception as error:  # noqa: BLE001  it is not swallowed: every lookup that waits gets it
            self._fail(asked, began, RedisConnectionError(str(error)))
        else:
            self._exchanged(time.perf_counter() - began, None)
            for lookup, entry in zip(asked, entries, strict=True):
                if not lookup.answer.done():
                    lookup.answer.set_result(entry)

    def _fail(self, asked: Sequence[Lookup], began: float, error: RedisError) -> None:
        self._exchanged(time.perf_counter() - began, error)
        for lookup in asked:
            if not lookup.answer.done():
                lookup.answer.set_exception(error)

    async def _entries(self, commands: Sequence[Words]) -> list[Answer]:
        """Ask over the connection; over a new one, once, where the server has closed it or has another generation."""
        if self._connection.is_connected:
            try:
                return await self._asked(commands)
            except (RedisConnectionError, OtherGenerationError):
                self._connection.disconnect()
        await self._connection.connect()
        self._generation_asked_at = time.monotonic()
        return await self._asked(commands)

    async def _asked(self, commands: Sequence[Words]) -> list[Answer]:
        generation = self._connection.generation
        words = [generations.with_generation(command, generation) for command in commands]
        now = time.monotonic()
        is_due = now - self._generation_asked_at > generations.RECHECK_SECONDS
        if is_due:
            self._generation_asked_at = now
            words = [generations.QUERY, *words]
        answers = await self._connection.ask_all(words)
        if is_due and generations.parse(answers.pop(0)) != generation:
            raise OtherGenerationError
        return [_entry(answer, generation) for answer in answers]


class OtherGenerationError(Exception):
    """The server has another generation than when the connection was opened."""


def _entry(answer: object, generation: bytes) -> Answer:
    if answer is not None and type(answer) is not bytes:
        raise RedisResponseError(f"No entry: {answer!r}")
    return generations.entry_of(answer, generation)
