"""The generation of a Redis: which life of which server a connection talks to.

A replica that is promoted, a server that is restarted, with or without a snapshot, and a primary that was a replica in
between each have another generation than what was there before them. Every entry is stored with the generation of the
connection over which it was stored, and counts as nothing to a connection of another one. So nothing is believed that
may have missed a write (docs/cache.md).
"""

from chalicelib.redis_client.errors import RedisError, RedisResponseError

GENERATION_BYTES = 16

GENERATION = b"?generation"
"""What a command has in the place of its connection's generation, as its last word; put in when it is sent."""

ASKED_AGAIN_SECONDS = 1.0
"""How long a connection relies on what it was told: the server may have changed its part meanwhile, and back again."""

UNKNOWN = "NOGENERATION"

_TEXT = f"""
local function told(section, field)
    local info = redis.pcall('INFO', section)
    return type(info) == 'string' and string.match(info, field .. ':(%w+)')
end
local run, history = told('server', 'run_id'), told('replication', 'master_replid')
if not run or not history then return redis.error_reply('{UNKNOWN} INFO does not tell run_id and master_replid') end
return string.sub(redis.sha1hex(run .. history), 1, {GENERATION_BYTES})
"""

QUESTION = ("EVAL", _TEXT, 0)
"""The command that asks a server for its generation."""

Argument = str | bytes | int
Words = tuple[Argument, ...]


def told_by(answer: object) -> bytes:
    """Return the generation that a server has answered QUESTION with.

    Raises:
        RedisResponseError: that is none.
    """
    if not isinstance(answer, bytes) or len(answer) != GENERATION_BYTES:
        raise RedisResponseError(f"No generation: {answer!r}")
    return answer


def is_unknown(error: RedisError) -> bool:
    """Tell whether a server has refused to tell its generation, as it does where one may not ask INFO."""
    return str(error).startswith(UNKNOWN)


def put_in(command: Words, generation: bytes) -> Words:
    """Return the command as it is sent over a connection of that generation."""
    return (*command[:-1], generation) if command[-1] is GENERATION else command


def entry_in(stored: bytes | None, generation: bytes) -> bytes | None:
    """Return the entry that was stored in that generation; None where there is nothing, or of another one."""
    if stored is None or not stored.startswith(generation):
        return None
    return stored[GENERATION_BYTES:]
