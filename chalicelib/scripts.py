"""Lua scripts in Redis, called by their hash."""

import hashlib
from collections.abc import Callable
from typing import Any

from redis.exceptions import NoScriptError

Argument = str | bytes | int
Execute = Callable[..., Any]
"""Sends one command, word by word, and returns its answer; raises redis.RedisError."""


class Script:
    """A script; its text is sent only where Redis does not know it (any more)."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._hash = hashlib.sha1(text.encode(), usedforsecurity=False).hexdigest()

    def run(self, execute: Execute, *keys: str, arguments: tuple[Argument, ...] = ()) -> Any:
        """Run it on these keys; raises redis.RedisError."""
        try:
            return execute("EVALSHA", self._hash, len(keys), *keys, *arguments)
        except NoScriptError:
            return execute(*self.command(*keys, arguments=arguments))

    def command(self, *keys: str, arguments: tuple[Argument, ...] = ()) -> tuple[Argument, ...]:
        """Return the command that runs it whether or not Redis knows it: the text is in it."""
        return ("EVAL", self._text, len(keys), *keys, *arguments)
