"""How long a server waits for a client."""

import errno
from dataclasses import dataclass
from enum import Enum, auto

from fargate.settings import Settings

NO_DESCRIPTOR = frozenset((errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM))
"""Errors of accepting a connection that last until others are closed."""
SPARE_DESCRIPTORS = 8
"""How many connections are closed for a lack of file descriptors: stores need some, too."""
AGAIN_SECONDS = 60.0
"""A warning is not repeated for so long."""

SWEEP_SECONDS = 1.0
"""How often a server looks for clients that take too long: one timer for all connections."""


@dataclass(frozen=True, slots=True)
class Limits:
    """Seconds that a client may take; a sweep is late by `SWEEP_SECONDS` at most."""

    head_seconds: float  # from a request's first byte to the end of its head
    body_seconds: float  # from there to the end of its body
    idle_seconds: float  # without a byte: between requests, before the first, or while it does not read a response


def limits_of(settings: Settings) -> Limits:
    """Return the limits that the settings say."""
    return Limits(settings.head_seconds, settings.body_seconds, settings.keep_alive_seconds)


class Awaited(Enum):
    """What a server waits for a client to do."""

    REQUEST = auto()  # to send one
    HEAD = auto()  # to send the rest of it
    BODY = auto()
    READING = auto()  # to read a response

    def limit(self, limits: Limits) -> float:
        """Return how many seconds it may take; for reading, how many without any progress."""
        return {Awaited.HEAD: limits.head_seconds, Awaited.BODY: limits.body_seconds}.get(self, limits.idle_seconds)
