"""Lua scripts in Redis, called by their hash. They read and store entries of the connection's generation."""

import hashlib
from collections.abc import Callable
from typing import Any

from chalicelib.redis_client.errors import RedisResponseError, code_of
from chalicelib.redis_client.generations import GENERATION, GENERATION_BYTES, Argument

Execute = Callable[..., Any]
"""Sends one command, with the connection's generation filled in, and returns the answer. Raises RedisError."""

# The start of every script. GETEX without an option reads as GET does but counts as a write: a primary that has become
# a replica refuses it, whereas GET would return values that may be old.
_PRELUDE = f"""
local generation = ARGV[#ARGV]
local function get(key)
    local stored = redis.call('GETEX', key)
    if not stored or string.sub(stored, 1, {GENERATION_BYTES}) ~= generation then return false end
    return string.sub(stored, {GENERATION_BYTES + 1})
end
local function put(key, entry, ms)
    redis.call('SET', key, generation .. entry, 'PX', ms)
end
"""


class Script:
    """A script. Its text is sent only if Redis does not have it cached.

    The text may use `get(key)` and `put(key, entry, ms)`, which see entries of the connection's `generation` only.
    """

    def __init__(self, text: str) -> None:
        self.text = text
        self._text = _PRELUDE + text
        self._hash = hashlib.sha1(self._text.encode(), usedforsecurity=False).hexdigest()

    def run(self, execute: Execute, *keys: str, arguments: tuple[Argument, ...] = ()) -> Any:
        """Run the script on these keys. Raises RedisError."""
        try:
            return execute("EVALSHA", self._hash, len(keys), *keys, *arguments, GENERATION)
        except RedisResponseError as error:
            if code_of(error) != "NOSCRIPT":
                raise
            return execute(*self.command(*keys, arguments=arguments))

    def command(self, *keys: str, arguments: tuple[Argument, ...] = ()) -> tuple[Argument, ...]:
        """Return the command that runs the script by its text, so that Redis need not have it cached."""
        return ("EVAL", self._text, len(keys), *keys, *arguments, GENERATION)
