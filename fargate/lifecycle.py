"""The server's phase, from which `/readyz` is answered."""

from enum import StrEnum

LIVENESS_PATH = "/livez"
READINESS_PATH = "/readyz"
PROBE_PATHS = frozenset({LIVENESS_PATH, READINESS_PATH})
"""Answered even while every worker thread is busy."""

QUIET_SECONDS = 0.5
"""During a drain, a connection that has been idle for so long is closed."""


class Phase(StrEnum):
    """A server starts, is ready, and drains after a signal."""

    STARTING = "Starting"
    READY = "Ready"
    DRAINING = "Draining"


class Lifecycle:
    """The phase, shared by a server, which sets it, and the gateway, which answers probes from it.

    It needs no lock: assigning one attribute is atomic in CPython.
    """

    def __init__(self, phase: Phase = Phase.READY) -> None:
        self.phase = phase

    @property
    def is_ready(self) -> bool:
        return self.phase is Phase.READY

    @property
    def is_draining(self) -> bool:
        return self.phase is Phase.DRAINING
