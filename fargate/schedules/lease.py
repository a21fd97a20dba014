"""Who runs the schedules: this process alone, or of several the one that holds a lease in Redis.

What must hold: a run begins only after a claim, and a claim succeeds only for the holder of the lease, and once for
each due time. A script in Redis decides both in one step, so a process that was frozen and has lost the lease runs
nothing, whatever it still believes.
"""

import logging
import uuid
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, Protocol

from fargate.errors import FargateError
from fargate.stores.redis_client import client_at

if TYPE_CHECKING:
    from redis import Redis

logger = logging.getLogger("fargate")

ANSWER_SECONDS = 2.0
"""How long Redis may take to answer."""

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)

_ACQUIRE = """
if redis.call('EXISTS', KEYS[1]) == 1 then return 0 end
local number = redis.call('INCR', KEYS[2])
redis.call('SET', KEYS[1], number .. ':' .. ARGV[1], 'NX', 'PX', ARGV[2])
return number
"""
_RENEW = """
if redis.call('GET', KEYS[1]) ~= ARGV[1] then return 0 end
return redis.call('PEXPIRE', KEYS[1], ARGV[2])
"""
_BEGUN = """
redis.call('HSETNX', KEYS[1], ARGV[1], ARGV[2])
return redis.call('HGET', KEYS[1], ARGV[1])
"""
_CLAIM = """
if redis.call('GET', KEYS[1]) ~= ARGV[1] then return -1 end
local begun, mine = redis.call('HGET', KEYS[2], ARGV[2]), ARGV[3] .. ' ' .. ARGV[1]
if begun == mine then return 1 end
if begun and tonumber(string.match(begun, '^%d+')) >= tonumber(ARGV[3]) then return 0 end
redis.call('HSET', KEYS[2], ARGV[2], mine)
return 1
"""
_RELEASE = "if redis.call('GET', KEYS[1]) == ARGV[1] then return redis.call('DEL', KEYS[1]) end return 0"

_NOT_HOLDER, _CLAIMED = -1, 1


class NotNow(FargateError):
    """Nothing may run: another process holds the lease, or Redis does not answer."""


class Lease(Protocol):
    """The right to run schedules."""

    @property
    def number(self) -> int | None:
        """The fencing number: it rises with each holder. None: this process may not run anything."""

    @property
    def renew_seconds(self) -> float | None:
        """How often `keep` has to be called; None: never."""

    def keep(self) -> None:
        """Acquire or renew it; log what has changed. Never raises."""

    def begun(self, key: str, now: datetime) -> datetime:
        """Return the last due time that was claimed for a schedule; `now`, and from then on that, if there is none.

        Raises:
            NotNow: Redis does not answer.
        """

    def claim(self, number: int, key: str, due: datetime) -> bool:
        """Claim a run for the holder with a fencing number; return False if that due time was claimed before.

        Raises:
            NotNow: that holder does not hold the lease, or Redis does not answer.
        """

    def confirm(self, number: int) -> None:
        """Make sure that the holder with a fencing number holds the lease.

        Raises:
            NotNow: it does not, or Redis does not answer.
        """

    def release(self) -> None:
        """Let another process have it. Never raises."""


class Alone:
    """For the only process: always held.

    Args:
        since: what is due after that is run, also if a thread takes its first look later.
    """

    number = 0
    renew_seconds = None

    def __init__(self, since: datetime) -> None:
        self._since = since

    def keep(self) -> None: ...

    def begun(self, key: str, now: datetime) -> datetime:
        return self._since

    def claim(self, number: int, key: str, due: datetime) -> bool:
        return True

    def confirm(self, number: int) -> None: ...

    def release(self) -> None: ...


class RedisLease:
    """A lease in Redis, which ends by itself if its holder does not renew it. Thread-safe.

    Args:
        client: Redis.
        name: of the app and its stage: its processes share the lease.
        seconds: how long it lasts without being renewed.
    """

    def __init__(self, client: "Redis", name: str, seconds: float) -> None:
        self._client = client
        self._holder = uuid.uuid4().hex
        self._milliseconds = int(seconds * 1000)
        base = f"chalice-fargate:{{{name}}}:schedules"  # the braces keep all keys in one slot of a cluster
        self._lease, self._numbers, self._runs = f"{base}:lease", f"{base}:number", f"{base}:begun"
        self._said: tuple[str, int | None] | None = None
        self.number: int | None = None
        self.renew_seconds = seconds / 3

    def keep(self) -> None:
        """Acquire or renew it; log what has changed."""
        try:
            if self.number is None:
                self._acquire()
            else:
                self.confirm(self.number)
        except NotNow:
            pass
        else:
            self._say_who_runs()

    def begun(self, key: str, now: datetime) -> datetime:
        """Return the last due time that was claimed for a schedule."""
        seconds = int(now.timestamp())
        begun: bytes = self._run(_BEGUN, (self._runs,), key, seconds)
        return EPOCH + timedelta(seconds=int(begun.split()[0]))

    def claim(self, number: int, key: str, due: datetime) -> bool:
        """Claim a run."""
        value = self._value(number)
        claimed = self._run(_CLAIM, (self._lease, self._runs), value, key, int(due.timestamp()))
        if claimed == _NOT_HOLDER:
            self._lose(number)
        return bool(claimed == _CLAIMED)

    def confirm(self, number: int) -> None:
        """Renew it."""
        if not self._run(_RENEW, (self._lease,), self._value(number), self._milliseconds):
            self._lose(number)

    def release(self) -> None:
        """Give it back, and close the connections."""
        number, self.number = self.number, None
        if number is not None:
            try:
                self._run(_RELEASE, (self._lease,), self._value(number))
            except NotNow:
                logger.warning("Lease %d is not given back: it ends by itself", number)
        self._client.close()

    def _acquire(self) -> None:
        number = self._run(_ACQUIRE, (self._lease, self._numbers), self._holder, self._milliseconds)
        self.number = number or None

    def _say_who_runs(self) -> None:
        number = self.number
        if number is None:
            self._say("other", None, "Another process runs the schedules; this one takes over when that ends")
        else:
            self._say("holds", number, f"This process runs the schedules: it holds lease {number}")

    def _say(self, state: str, number: int | None, sentence: str, level: int = logging.INFO) -> None:
        """Log a sentence, if the state has changed."""
        if (state, number) != self._said:
            self._said = state, number
            logger.log(level, "%s", sentence)

    def _value(self, number: int) -> str:
        return f"{number}:{self._holder}"

    def _lose(self, number: int) -> None:
        """Stop running schedules.

        Raises:
            NotNow: always.
        """
        if self.number == number:
            self.number = None
            sentence = f"Lease {number} is lost: this process runs no schedule until it holds a new one"
            self._say("lost", number, sentence, logging.WARNING)
        raise NotNow

    def _run(self, script: str, keys: tuple[str, ...], *arguments: str | int) -> Any:
        """Run a script.

        Raises:
            NotNow: Redis does not answer, or refuses.
        """
        try:
            return self._client.eval(script, len(keys), *keys, *arguments)
        except Exception as error:  # also what is not redis-py's own: it would end the thread that keeps the lease
            self._say("outage", None, f"No schedule runs until Redis answers again: {error}", logging.WARNING)
            raise NotNow from error


def redis_lease(url: str, name: str, seconds: float) -> RedisLease:
    """Return a lease in the Redis of a URL; nothing connects yet.

    Raises:
        ConfigurationError: the URL is malformed.
    """
    return RedisLease(client_at(url, "SCHEDULE_REDIS_URL", ANSWER_SECONDS), name, seconds)
