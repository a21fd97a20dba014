"""Where the server is in its life, so that readiness tells the truth while it starts and while it drains."""

from enum import StrEnum

LIVENESS_PATH = "/livez"
READINESS_PATH = "/readyz"
PROBE_PATHS = frozenset({LIVENESS_PATH, READINESS_PATH})
"""Paths that an orchestrator asks; they are answered even while every worker thread is busy."""


QUIET_SECONDS = 0.5
"""While a server drains, how long a connection must have been quiet to count as having nothing more to ask."""


class Phase(StrEnum):
    """A server starts, is ready, and drains once it is told to stop."""

    STARTING = "Starting"
    READY = "Ready"
    DRAINING = "Draining"


class Lifecycle:
    """The phase, shared by a server (which moves it on) and the gateway (which answers probes from it).

    Assigning one attribute is atomic in CPython, so neither side needs a lock.
    """

    def __init__(self, phase: Phase = Phase.READY) -> None:
        self.phase = phase

    @property
    def is_ready(self) -> bool:
        """True between start and drain."""
        return self.phase is Phase.READY

    @property
    def is_draining(self) -> bool:
        """True once the server was told to stop."""
        return self.phase is Phase.DRAINING
