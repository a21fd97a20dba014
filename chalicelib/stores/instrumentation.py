"""What the clients of the stores report about their work. `chalicelib.telemetry.instrumented` records it."""

from collections.abc import Callable
from typing import Protocol, TypeVar

Answer = TypeVar("Answer")


class Instrumentation(Protocol):
    """Records what one store's client does. Thread-safe."""

    def timed(self, operation: str, step: Callable[[], Answer]) -> Answer:
        """Run a step, one round trip to the store, and record its duration. Its exceptions reach the caller."""

    def record_duration(self, operation: str, seconds: float) -> None:
        """Record a round trip that an event loop made."""

    def record_wait(self, seconds: float) -> None:
        """Record how long an operation waited for a connection."""

    def record_pool_timeout(self) -> None:
        """Record an operation that got no connection in time."""


class NoInstrumentation:
    """Records nothing."""

    def timed(self, operation: str, step: Callable[[], Answer]) -> Answer:
        return step()

    def record_duration(self, operation: str, seconds: float) -> None:
        pass

    def record_wait(self, seconds: float) -> None:
        pass

    def record_pool_timeout(self) -> None:
        pass
