"""Fit the limit of connections to the system's limit of open files."""

import logging
import resource
from dataclasses import replace
from pathlib import Path

from fargate.settings import Server, Settings

logger = logging.getLogger("fargate")

MAX_DESCRIPTORS = 2**16
SPARE_DESCRIPTORS = 16
"""Beside one for each thread: for stores, the loop, secrets, log files."""
LEAST_CONNECTIONS = 10


def raise_descriptor_limit() -> int:
    """Raise the limit of open files as far as the system allows, so that connections do not hit it first; return it."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = MAX_DESCRIPTORS if hard == resource.RLIM_INFINITY else min(hard, MAX_DESCRIPTORS)
    if soft == resource.RLIM_INFINITY or soft >= wanted:
        return MAX_DESCRIPTORS if soft == resource.RLIM_INFINITY else soft
    resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
    return wanted


def fit_connection_limit(settings: Settings, descriptors: int) -> Settings:
    """Return settings whose limit of connections fits the limit of open files, and say if it is lowered.

    uvicorn and granian have no limit of connections: of theirs, only the warning is heard.
    """
    room = _room(settings, descriptors)
    if room >= settings.connection_limit:
        return settings
    logger.warning(
        "The limit of open files is %d (ulimit -n): there is room for %d connections, fewer than CONNECTION_LIMIT (%d)",
        descriptors,
        room,
        settings.connection_limit,
    )
    return replace(settings, connection_limit=room) if settings.server is Server.WAITRESS else settings


def most_websockets(settings: Settings, descriptors: int) -> int:
    """Return how many WebSockets are held at the same time: a quarter of the open files is left to requests."""
    return _room(settings, descriptors) * 3 // 4


def _room(settings: Settings, descriptors: int) -> int:
    return max(LEAST_CONNECTIONS, descriptors - _open_descriptors() - settings.threads - SPARE_DESCRIPTORS)


def _open_descriptors() -> int:
    try:
        return len(list(Path("/dev/fd").iterdir()))
    except OSError:
        return SPARE_DESCRIPTORS
