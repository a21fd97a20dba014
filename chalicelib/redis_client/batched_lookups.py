"""Asking Redis from an event loop: what is asked in one turn of the loop goes out together, and no thread waits for it.

So a lookup costs a part of a system call. What must hold: a lookup is sent after it was asked, never joined to one that
is under way; a connection on which anything went wrong is closed and its answers are not read, so that no answer is
ever taken for the answer to another question.
"""

import asyncio
import time
from collections import deque
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple, Protocol

import hiredis

from chalicelib.redis_client import generations
from chalicelib.redis_client.connection import INCOMPLETE, packed
from chalicelib.redis_client.errors import RedisConnectionError, RedisError, RedisResponseError, RedisTimeoutError
from chalicelib.redis_client.generations import Argument

Answer = bytes | None
Told = Callable[[float, Exception | None], None]
"""Told how many seconds an exchange took, and what went wrong, if anything."""


class Lookup(NamedTuple):
    """A question; where nobody awaits its answer, it is what generation the server has."""

    command: tuple[Argument, ...]
    answer: "asyncio.Future[Answer] | None"


_GENERATION = Lookup(generations.QUESTION, None)


class Connection(Protocol):
    """What is lent to us, as `redis_client.loop_connection` makes it."""

    generation: bytes

    async def connect(self) -> None:
        """Connect, log in and ask for the server's generation."""

    def hand_over(self, protocol: asyncio.Protocol) -> asyncio.WriteTransport:
        """Have `protocol` receive all that the server sends from now on; return what to write to."""

    def hang_up(self) -> None:
        """Close the connection."""


class BatchedLookups:
    """Lookups over one connection, for one event loop after the other. Not thread-safe: for the loop's thread alone.

    Args:
        connect: makes a connection, not yet connected.
        seconds: how long a lookup may take, with connecting where that is due.
        told: told of each exchange.
    """

    def __init__(self, connect: Callable[[], Any], seconds: float, told: Told) -> None:
        self._connect: Callable[[], Connection] = connect
        self._seconds = seconds
        self._told = told
        self._loop: asyncio.AbstractEventLoop | None = None
        self._begin(None)

    def ask(self, *command: Argument) -> "asyncio.Future[Answer]":
        """Return the entry that one command will find, with its generation; to be awaited in this loop.

        The server's generation is put in the command; an entry of another one is None.
        Awaiting raises RedisError where Redis is away, too slow, or refuses.
        """
        loop = asyncio.get_running_loop()
        if loop is not self._loop:
            self._begin(loop)
        answer: asyncio.Future[Answer] = loop.create_future()
        if not self._waiting:
            self._waiting_since = time.perf_counter()
            loop.call_soon(self._send)  # when whoever else asks in this turn has done so
        self._waiting.append(Lookup(command, answer))
        return answer

    async def close(self) -> None:
        """Hang up; what is asked afterwards opens a connection anew."""
        if self._alarm is not None:
            self._alarm.cancel()
        if self._opening is not None:
            self._opening.cancel()
        if self._exchanges is not None:
            self._exchanges.close()
        self._begin(self._loop)

    def _begin(self, loop: asyncio.AbstractEventLoop | None) -> None:
        """Forget what belonged to the last loop, which has ended: its connection is of no use in another."""
        self._loop = loop
        self._exchanges: Exchanges | None = None
        self._opening: asyncio.Task[None] | None = None
        self._alarm: asyncio.TimerHandle | None = None
        self._waiting: list[Lookup] = []
        self._waiting_since = 0.0

    def _send(self) -> None:
        """Send what waits; where there is no connection, once there is one."""
        assert self._loop is not None  # noqa: S101  it runs this
        if self._alarm is None:
            self._alarm = self._loop.call_later(self._seconds, self._look_at_the_clock)
        if self._exchanges is not None:
            asked, self._waiting = self._waiting, []
            self._exchanges.send(asked, self._waiting_since)
        elif self._opening is None:
            self._opening = self._loop.create_task(self._open())

    async def _open(self) -> None:
        connection = self._connect()
        try:
            await connection.connect()
            exchanges = Exchanges(connection, self._told, self._ended)
        except BaseException as fault:
            connection.hang_up()
            if not isinstance(fault, Exception):
                raise  # cancelled, by somebody who has told those who wait
            self._opening = None
            self._give_up(fault)
            return
        self._opening, self._exchanges = None, exchanges
        if self._waiting:
            self._send()

    def _look_at_the_clock(self) -> None:
        """Give up what has taken too long, and with it what shares its connection."""
        self._alarm = None
        under_way = self._exchanges and self._exchanges.since
        since = under_way or (self._waiting_since if self._waiting else None)
        if since is None or self._loop is None:
            return
        left = since + self._seconds - time.perf_counter()
        if left > 0:
            self._alarm = self._loop.call_later(left, self._look_at_the_clock)
            return
        late = RedisTimeoutError(f"Redis took longer than {self._seconds} s")
        if self._opening is not None:
            self._opening.cancel()
            self._opening = None
            self._give_up(late)
        elif self._exchanges is not None:
            self._exchanges.give_up(late)

    def _ended(self, unanswered: Sequence[Lookup], since: float, fault: Exception | None) -> None:
        """Take note that the connection is no more; where that is nobody's fault, ask anew what was sent over it."""
        self._exchanges = None
        if fault is None and unanswered:
            if not self._waiting and self._loop is not None:
                self._loop.call_soon(self._send)
            self._waiting, self._waiting_since = [*unanswered, *self._waiting], since
        elif fault is not None:
            self._fail(unanswered, fault, since)

    def _give_up(self, fault: Exception) -> None:
        asked, self._waiting = self._waiting, []
        self._fail(asked, fault, self._waiting_since)

    def _fail(self, asked: Sequence[Lookup], fault: Exception, since: float) -> None:
        """Tell those who wait; whatever the fault is, nobody may wait for ever."""
        if not asked:
            return
        error = fault if isinstance(fault, RedisError) else RedisConnectionError(str(fault))
        self._told(time.perf_counter() - since, error)
        for lookup in asked:
            if lookup.answer is not None and not lookup.answer.done():
                lookup.answer.set_exception(error)


class Exchanges(asyncio.Protocol):
    """What is under way over one connection; the answers come in the order of the questions.

    Args:
        connection: connected, and from now on nobody else's.
        told: told of each exchange that was answered.
        ended: told once of what was not, since when the oldest of it was, and why; None where the server closed a
            connection that it had answered over before.
    """

    def __init__(
        self,
        connection: Connection,
        told: Told,
        ended: Callable[[Sequence[Lookup], float, Exception | None], None],
    ) -> None:
        self._told = told
        self._ended: Callable[[Sequence[Lookup], float, Exception | None], None] | None = ended
        self._has_answered = False
        self._answers = hiredis.Reader(notEnoughData=INCOMPLETE)
        self._lookups: deque[Lookup] = deque()
        self._turns: deque[tuple[float, Lookup]] = deque()  # when each was asked, and the last of its lookups
        self._connection = connection
        self._generation = connection.generation
        self._generation_asked_at = time.perf_counter()
        self._transport = connection.hand_over(self)

    @property
    def since(self) -> float | None:
        """When the oldest of what is under way was asked, on `time.perf_counter`."""
        return self._turns[0][0] if self._turns else None

    def send(self, asked: Sequence[Lookup], since: float) -> None:
        """Send questions together; ahead of them, now and then, whether the server's generation is still the same."""
        if since - self._generation_asked_at > generations.ASKED_AGAIN_SECONDS:
            self._generation_asked_at = since
            asked = [_GENERATION, *asked]
        self._lookups.extend(asked)
        self._turns.append((since, asked[-1]))
        words = [generations.put_in(lookup.command, self._generation) for lookup in asked]
        self._transport.write(b"".join([packed(command) for command in words]))

    def data_received(self, data: bytes) -> None:
        """Hand out answers."""
        try:
            self._answers.feed(data)
            while self._ended is not None and (answer := self._answers.gets()) is not INCOMPLETE:
                self._hand_out(answer)
        except Exception as fault:  # noqa: BLE001  whatever it is, nobody may wait for ever
            self.give_up(fault)

    def _hand_out(self, answer: Any) -> None:
        if answer is not None and type(answer) is not bytes:
            raise RedisResponseError(str(answer))
        lookup = self._lookups.popleft()
        if lookup.answer is None:
            self._compare(answer)
            return
        if not lookup.answer.done():
            lookup.answer.set_result(generations.entry_in(answer, self._generation))
        since, last = self._turns[0]
        if lookup is last:
            self._turns.popleft()
            self._has_answered = True
            self._told(time.perf_counter() - since, None)

    def _compare(self, answer: Answer) -> None:
        """Have all that was asked with a generation that has ended be asked anew, over another connection."""
        if generations.told_by(answer) != self._generation:
            self.give_up(None)

    def connection_lost(self, error: Exception | None) -> None:
        """Take note that the server has gone."""
        gone = None if self._has_answered else RedisConnectionError(str(error or "Redis closed the connection"))
        self.give_up(gone)

    def give_up(self, fault: Exception | None) -> None:
        """Close the connection, and give back what is not answered."""
        ended, self._ended = self._ended, None
        if ended is not None:
            unanswered = [lookup for lookup in self._lookups if lookup is not _GENERATION]
            since = self.since or 0.0
            self.close()
            ended(unanswered, since, fault)

    def close(self) -> None:
        """Hang up."""
        self._ended = None
        self._lookups.clear()
        self._turns.clear()
        self._connection.hang_up()
