"""`python -m fargate schedule` with a clock on which a minute takes as long as HASTENED_MINUTE says, in seconds."""

import argparse
import os
import sys
import threading
import time
from datetime import UTC, datetime

from fargate.command import see_working_folder
from fargate.commands.schedule import run
from fargate.lifecycle import Lifecycle, Phase
from fargate.schedules.runner import WallClock
from fargate.telemetry.stdout import bound_stdout


class HastenedClock(WallClock):
    """Since the epoch, a minute has taken so many seconds: all processes have the same time."""

    def __init__(self, minute_seconds: float) -> None:
        self._speed = 60 / minute_seconds

    def now(self) -> datetime:
        return datetime.fromtimestamp(time.time() * self._speed % 2**32, UTC)

    def wait(self, stop: threading.Event, seconds: float) -> bool:
        return stop.wait(seconds / self._speed)


if __name__ == "__main__":
    see_working_folder()
    stdout = bound_stdout()
    given = argparse.Namespace(app="app:app", stage=None)
    clock = HastenedClock(float(os.environ["HASTENED_MINUTE"]))
    status = run(given, os.environ, Lifecycle(Phase.STARTING), stdout, clock)
    stdout.finish()
    sys.exit(status)
