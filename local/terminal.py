"""What the person at the terminal reads."""

import contextlib
import os
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TextIO

from local.processes import last_lines


@dataclass(slots=True)
class Step:
    """One step of the work, and what came of it."""

    outcome: str = "given up"


class Terminal:
    """Short lines of progress on standard output, errors on standard error; a terminal that is gone is no error."""

    def say(self, text: str = "", *, end: str = "\n") -> None:
        """Print a line."""
        _write(sys.stdout, text + end)

    @contextlib.contextmanager
    def step(self, what: str, *, shared: bool = False) -> Iterator[Step]:
        """Print `what ... ` and, when the block ends, its outcome and how long it took.

        `shared`: a program prints too meanwhile, so the outcome gets a line of its own.
        """
        self.say(f"{what} ... ", end="\n" if shared else "")
        step = Step()
        started = time.monotonic()
        try:
            yield step
        finally:
            self.say(f"{f'{what} ... ' if shared else ''}{step.outcome} ({time.monotonic() - started:.1f} s)")

    def complain(self, sentence: str, log: Path | None = None) -> None:
        """Print an error, and the end of the log that may explain it."""
        _write(sys.stderr, sentence + "\n")
        lines = last_lines(log) if log is not None else []
        if lines:
            _write(sys.stderr, f"Its log, {log}, ends with:\n" + "".join(f"  {line}\n" for line in lines))


def _write(stream: TextIO, text: str) -> None:
    try:
        stream.write(text)
        stream.flush()
    except OSError:  # closed behind our back; what we started must still be ended, so go on in silence
        silence = os.open(os.devnull, os.O_WRONLY)
        os.dup2(silence, stream.fileno())
        os.close(silence)
