"""How long local leases are, agreed between tasks that may be configured differently while a deployment rolls.

A writer must wait out the longest local lease that any task may hold. So every task enters its own length into one
hash in Redis before it uses it, again and again, and writers read the longest from there. Time is cut into windows, by
Redis's own clock; the hash holds the longest length of the window that runs and of the one before. A task that entered
its length in one window is counted until the next one ends, and trusts its entry no longer than one window's length.

What must hold: while a task may answer from memory, its length is in the hash, or the hash says MAX_LOCAL_LEASE_MS. A
hash that was lost (evicted, flushed, a Redis that came back empty) starts with that for the window that runs and for
the next one: by then every task has entered its length anew.
"""

import threading
import time
from collections.abc import Callable
from typing import cast

import redis
from redis.client import Pipeline
from redis.exceptions import NoScriptError

from chalicelib.guard import Guard
from chalicelib.scripts import Script
from chalicelib.settings import MAX_LOCAL_LEASE_MS

KEY = "p1:lease-terms"
WINDOW_SECONDS = 5.0
RENEW_SECONDS = 1.0

_ENTER = Script("""
local now = redis.call('TIME')
local window = math.floor((now[1] * 1000 + now[2] / 1000) / ARGV[3])
local held = redis.call('HMGET', KEYS[1], 'window', 'current', 'previous')
local since, current, previous = tonumber(held[1]), tonumber(held[2]), tonumber(held[3])
local mine, longest = tonumber(ARGV[1]), tonumber(ARGV[2])
if not since or window > since + 1 then
    since, current, previous = window, longest, longest
elseif window == since + 1 then
    since, current, previous = window, mine, current
else
    current = math.max(current, mine)
end
redis.call('HSET', KEYS[1], 'window', since, 'current', current, 'previous', previous)
return math.max(current, previous)
""")


class LeaseTerms:
    """This task's part in the agreement. Safe to share by threads.

    Args:
        client: asked once a second at most while there are reads or writes.
        lease_ms: how long this task's local leases are; 0 for none. At most MAX_LOCAL_LEASE_MS.
        guard: told how asking went.
        window_seconds: the same for all tasks.
        clock: monotonic, in seconds.
    """

    def __init__(
        self,
        client: redis.Redis,
        lease_ms: int,
        guard: Guard,
        window_seconds: float = WINDOW_SECONDS,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._client = client
        self._lease_ms = lease_ms
        self._guard = guard
        self._window_seconds = window_seconds
        self._clock = clock
        self._lock = threading.Lock()
        self._entered = float("-inf")  # from before the entry was sent
        self._asked = float("-inf")

    def lease_seconds(self) -> float:
        """Return how long what is asked of Redis from now on may be answered from memory; enters that where due.

        Returns 0 where this task keeps nothing, or has no entry that it can trust. Raises redis.RedisError where Redis
        is away.
        """
        if not self._lease_ms:
            return 0.0
        now = self._clock()
        if now - self._asked > RENEW_SECONDS:
            self._renew(now)
        return self._trusted_seconds()

    def known_seconds(self) -> float | None:
        """Return the same without asking Redis; None where it is time to ask."""
        if not self._lease_ms:
            return 0.0
        return None if self._clock() - self._asked > RENEW_SECONDS else self._trusted_seconds()

    def queue(self, pipeline: Pipeline) -> None:
        """Add the question for the longest local lease to a pipeline; it must come after the fence."""
        _ENTER.queue(pipeline, KEY, *self._arguments())

    def longest_seconds(self, answer: object) -> float:
        """Return how long a writer must wait so that no task answers from memory with what was there before.

        Args:
            answer: what the queued question was answered with. Where Redis had forgotten the script, it is asked again.

        Raises:
            redis.RedisError: Redis is away.
        """
        if isinstance(answer, NoScriptError):
            answer = self._enter()
        if isinstance(answer, Exception):
            raise answer
        return float(cast("int", answer)) / 1000

    def _trusted_seconds(self) -> float:
        return self._lease_ms / 1000 if self._clock() - self._entered < self._window_seconds - self._margin() else 0.0

    def _margin(self) -> float:
        """A lease that is taken at the last moment must end before the entry does."""
        return self._lease_ms / 1000

    def _renew(self, now: float) -> None:
        if not self._lock.acquire(blocking=False):
            return
        try:
            self._asked = now
            self._guard.watch(self._enter)
        finally:
            self._lock.release()

    def _enter(self) -> object:
        sent = self._clock()
        longest = _ENTER.run(self._client, KEY, *self._arguments())
        self._entered = max(self._entered, sent)
        return longest

    def _arguments(self) -> tuple[int, int, int]:
        return self._lease_ms, MAX_LOCAL_LEASE_MS, round(self._window_seconds * 1000)
