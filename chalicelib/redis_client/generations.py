"""The generation of a Redis server: a name for one run of one server in one role.

A promoted replica, a restarted server (with or without a snapshot) and a primary that was a replica in between each
have a new generation. Every entry is stored together with the generation of the connection that stored it, and a
connection of another generation ignores it. So the cache never uses an entry that may have missed a write
(docs/cache.md).
"""

from chalicelib.redis_client.errors import RedisError, RedisResponseError

GENERATION_BYTES = 16

GENERATION = b"?generation"
"""Placeholder: a command's last word, replaced by the connection's generation when the command is sent."""

RECHECK_SECONDS = 1.0
"""How long a connection uses the generation it has read: the server's role may have changed since, and changed back."""

UNKNOWN = "NOGENERATION"

_TEXT = f"""
local function value_of(section, field)
    local info = redis.pcall('INFO', section)
    return type(info) == 'string' and string.match(info, field .. ':(%w+)')
end
local run, history = value_of('server', 'run_id'), value_of('replication', 'master_replid')
if not run or not history then return redis.error_reply('{UNKNOWN} INFO gives no run_id and master_replid') end
return string.sub(redis.sha1hex(run .. history), 1, {GENERATION_BYTES})
"""

QUERY = ("EVAL", _TEXT, 0)
"""The command that reads a server's generation."""

Argument = str | bytes | int
Words = tuple[Argument, ...]


def parse(answer: object) -> bytes:
    """Return the generation in a server's answer to QUERY.

    Raises:
        RedisResponseError: the answer is not a generation.
    """
    if not isinstance(answer, bytes) or len(answer) != GENERATION_BYTES:
        raise RedisResponseError(f"No generation: {answer!r}")
    return answer


def is_unknown(error: RedisError) -> bool:
    """Return whether the server did not give its generation, as when the user may not run INFO."""
    return str(error).startswith(UNKNOWN)


def with_generation(command: Words, generation: bytes) -> Words:
    """Return the command with its placeholder, if it has one, replaced by the generation."""
    return (*command[:-1], generation) if command[-1] is GENERATION else command


def entry_of(stored: bytes | None, generation: bytes) -> bytes | None:
    """Return the stored entry without its generation; None if there is none, or it is of another generation."""
    if stored is None or not stored.startswith(generation):
        return None
    return stored[GENERATION_BYTES:]
