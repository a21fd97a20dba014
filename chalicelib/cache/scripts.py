"""Lua scripts in Redis, called by their hash, that read and store entries of their connection's generation."""

import hashlib
from collections.abc import Callable
from typing import Any

from chalicelib.redis_client.errors import RedisResponseError, code_of
from chalicelib.redis_client.generations import GENERATION, GENERATION_BYTES, Argument

Execute = Callable[..., Any]
"""Sends one command, word by word, with the connection's generation put in; raises RedisError."""

# What every script begins with. GETEX without an option reads like GET, but counts as a write: a primary that has
# become a replica refuses it, where GET would go on answering with what may be old.
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
    """A script; its text is sent only where Redis does not know it (any more).

    It may use `get(key)` and `put(key, entry, ms)`, which know entries of the connection's `generation` alone.
    """

    def __init__(self, text: str) -> None:
        self.text = text
        self._whole = _PRELUDE + text
        self._hash = hashlib.sha1(self._whole.encode(), usedforsecurity=False).hexdigest()

    def run(self, execute: Execute, *keys: str, arguments: tuple[Argument, ...] = ()) -> Any:
        """Run it on these keys; raises RedisError."""
        try:
            return execute("EVALSHA", self._hash, len(keys), *keys, *arguments, GENERATION)
        except RedisResponseError as error:
            if code_of(error) != "NOSCRIPT":
                raise
            return execute(*self.command(*keys, arguments=arguments))

    def command(self, *keys: str, arguments: tuple[Argument, ...] = ()) -> tuple[Argument, ...]:
        """Return the command that runs it whether or not Redis knows it: the text is in it."""
        return ("EVAL", self._whole, len(keys), *keys, *arguments, GENERATION)
