"""What the stores' adapters tell of their work, in their own words; `chalicelib.telemetry.instrumented` listens."""

from collections.abc import Callable
from typing import Protocol, TypeVar

Answer = TypeVar("Answer")


class Instrumentation(Protocol):
    """Told of everything that is asked of one store. Safe to share by threads."""

    def step(self, operation: str, step: Callable[[], Answer]) -> Answer:
        """Take a step, one round trip to the store; what it raises reaches the caller."""

    def took(self, operation: str, seconds: float) -> None:
        """Take note of a round trip that an event loop made, for many operations at once."""

    def waited(self, seconds: float) -> None:
        """Take note of how long an operation waited for a connection."""

    def turned_away(self) -> None:
        """Take note of an operation that got no connection in time."""


class NoInstrumentation:
    """Nobody listens."""

    def step(self, operation: str, step: Callable[[], Answer]) -> Answer:
        """Take the step."""
        return step()

    def took(self, operation: str, seconds: float) -> None:
        """Let it be."""

    def waited(self, seconds: float) -> None:
        """Let it be."""

    def turned_away(self) -> None:
        """Let it be."""
