"""Asking Redis from an event loop: one exchange at a time, of all that was asked while the last one was under way.

So a lookup costs a part of a system call, and no thread waits for it. What must hold: a lookup is sent after it was
asked, never joined to one that is under way; a connection on which anything went wrong is closed before it is used
again, so that no answer is ever taken for the answer to another question.
"""

import asyncio
import time
from collections.abc import Callable, Sequence
from typing import Any, cast

import redis

Answer = bytes | None
Told = Callable[[float, Exception | None], None]
"""Told how many seconds an exchange took, and what went wrong, if anything."""


class BatchedLookups:
    """Lookups over one connection, for one event loop after the other. Not thread-safe: for the loop's thread alone.

    Args:
        connect: makes a connection of redis.asyncio's kind, not yet connected.
        seconds: how long an exchange may take, with connecting where that is due.
        told: told of each exchange.
    """

    def __init__(self, connect: Callable[[], Any], seconds: float, told: Told) -> None:
        self._connect = connect
        self._seconds = seconds
        self._told = told
        self._loop: asyncio.AbstractEventLoop | None = None
        self._connection: Any = None
        self._exchanging: asyncio.Task[None] | None = None
        self._waiting: list[tuple[str, asyncio.Future[Answer]]] = []

    def ask(self, key: str) -> "asyncio.Future[Answer]":
        """Return what GETEX will say of a key (`shared_cache.peek` says why GETEX); to be awaited in this loop.

        Awaiting raises redis.RedisError where Redis is away, too slow, or refuses.
        """
        loop = asyncio.get_running_loop()
        if loop is not self._loop:
            self._begin(loop)
        answer: asyncio.Future[Answer] = loop.create_future()
        self._waiting.append((key, answer))
        if self._exchanging is None:
            self._exchanging = loop.create_task(self._exchange_all())
        return answer

    async def close(self) -> None:
        """Hang up; what is asked afterwards opens the connection anew."""
        if self._connection is not None:
            await self._connection.disconnect()

    def _begin(self, loop: asyncio.AbstractEventLoop) -> None:
        """Forget what belonged to the last loop, which has ended: its connection is of no use in another."""
        self._loop, self._connection, self._exchanging, self._waiting = loop, self._connect(), None, []

    async def _exchange_all(self) -> None:
        try:
            while self._waiting:
                asked, self._waiting = self._waiting, []
                await self._exchange(asked)
        finally:
            self._exchanging = None

    async def _exchange(self, asked: Sequence[tuple[str, "asyncio.Future[Answer]"]]) -> None:
        began = time.perf_counter()
        try:
            answers = await self._answers([key for key, _ in asked])
        except Exception as fault:  # noqa: BLE001  whatever it is, nobody may wait for ever
            error = fault if isinstance(fault, redis.RedisError) else redis.ConnectionError(str(fault))
            self._told(time.perf_counter() - began, error)
            for _, answer in asked:
                if not answer.done():
                    answer.set_exception(error)
        else:
            self._told(time.perf_counter() - began, None)
            for (_, answer), found in zip(asked, answers, strict=True):
                if not answer.done():
                    answer.set_result(found)

    async def _answers(self, keys: Sequence[str]) -> list[Answer]:
        is_kept = self._connection.is_connected
        try:
            async with asyncio.timeout(self._seconds):
                try:
                    return await self._ask_all(keys)
                except redis.ConnectionError:
                    if not is_kept:
                        raise
                return await self._ask_all(keys)  # its server had closed it meanwhile: over a new one, once
        except TimeoutError:
            raise redis.TimeoutError(f"Redis took longer than {self._seconds} s") from None

    async def _ask_all(self, keys: Sequence[str]) -> list[Answer]:
        connection = self._connection
        try:
            await connection.connect()
            commands = connection.pack_commands([("GETEX", key) for key in keys])
            await connection.send_packed_command(commands, check_health=False)
            return [cast("Answer", await connection.read_response()) for _ in keys]
        except BaseException:
            await connection.disconnect(nowait=True)
            raise
