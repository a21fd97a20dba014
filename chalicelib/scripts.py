"""Lua scripts in Redis, called by their hash."""

import hashlib
from typing import Any

import redis
from redis.client import Pipeline
from redis.exceptions import NoScriptError

Argument = bytes | int


class Script:
    """A script on one key; it is sent whole only where Redis does not know it (any more)."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._hash = hashlib.sha1(text.encode(), usedforsecurity=False).hexdigest()

    def run(self, client: redis.Redis, key: str, *arguments: Argument) -> Any:
        """Run it; raises redis.RedisError."""
        try:
            return client.execute_command("EVALSHA", self._hash, 1, key, *arguments)  # type: ignore[no-untyped-call]
        except NoScriptError:
            return client.execute_command("EVAL", self._text, 1, key, *arguments)  # type: ignore[no-untyped-call]

    def queue(self, pipeline: Pipeline, key: str, *arguments: Argument) -> None:
        """Add it to a pipeline; its answer there is a NoScriptError where Redis does not know it: then `run` it."""
        pipeline.execute_command("EVALSHA", self._hash, 1, key, *arguments)  # type: ignore[no-untyped-call]
