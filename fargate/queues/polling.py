"""Runs all pollers of a process until a signal, and ends them: what runs is finished, the rest is given back."""

import logging
import queue
import threading
import time
from collections.abc import Callable, Sequence

from fargate.queues.poller import Poller
from fargate.threads.main_thread import join, taken

logger = logging.getLogger("fargate")

GIVE_BACK_SECONDS = 5.0
"""How long the process waits at its end for SQS to take messages back."""

Signals = queue.SimpleQueue[int | None]
"""Numbers of signals as they arrive; None: a thread has ended. Unlike an Event, a signal handler can put into it."""


class Polling:
    """The pollers of a process.

    Args:
        pollers: one for each queue and handler.
        stop: set when nothing more is to be received; the pollers have the same.
        clock: monotonic seconds.
    """

    def __init__(
        self, pollers: Sequence[Poller], stop: threading.Event, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._pollers = pollers
        self._stop = stop
        self._clock = clock

    def run(self, signals: Signals, drain_seconds: float) -> bool:
        """Consume until a signal arrives, then drain. A second signal ends the drain.

        Returns:
            Whether all threads have ended. If not, handlers are still at work on what was given back.
        """
        for poller in self._pollers:
            poller.start()
        running = sum(self._start(poller, signals) for poller in self._pollers)
        taken(signals)
        self._stop.set()
        logger.info("Stopping: nothing more is received; what runs has %.0f s", drain_seconds)
        has_ended = self._has_drained(running, signals, drain_seconds)
        self._give_back()
        return has_ended

    def _start(self, poller: Poller, signals: Signals) -> int:
        """Start a poller's threads; return their number."""

        def work() -> None:
            try:
                poller.work()
            finally:
                signals.put(None)

        for _ in range(poller.source.concurrency):
            threading.Thread(target=work, name=f"poll {poller.source.handler.name}", daemon=True).start()
        return poller.source.concurrency

    def _has_drained(self, running: int, signals: Signals, seconds: float) -> bool:
        """Wait until all threads have ended; return False after a signal, or if it takes longer."""
        ends = self._clock() + seconds
        for _ in range(running):
            try:
                number = taken(signals, ends - self._clock())
            except queue.Empty:
                return False
            if number is not None:
                return False
        return True

    def _give_back(self) -> None:
        """Give back what is held: all queues at the same time, for a limited time."""
        threads = [threading.Thread(target=poller.give_all_back, daemon=True) for poller in self._pollers]
        for each in threads:
            each.start()
        ends = self._clock() + GIVE_BACK_SECONDS
        for each in threads:
            join(each, ends - self._clock())
