"""Progress and errors on the terminal."""

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
    """One step of the work, and its outcome."""

    outcome: str = "given up"


class Terminal:
    """Prints progress to standard output and errors to standard error. A closed terminal is no error."""

    def say(self, text: str = "", *, end: str = "\n") -> None:
        _write(sys.stdout, text + end)

    @contextlib.contextmanager
    def step(self, what: str, *, shared: bool = False) -> Iterator[Step]:
        """Print `what ... ` and, when the block ends, its outcome and duration.

        `shared`: a child prints to the terminal too, so the outcome gets its own line.
        """
        self.say(f"{what} ... ", end="\n" if shared else "")
        step = Step()
        started = time.monotonic()
        try:
            yield step
        finally:
            self.say(f"{f'{what} ... ' if shared else ''}{step.outcome} ({time.monotonic() - started:.1f} s)")

    def complain(self, sentence: str, log: Path | None = None) -> None:
        """Print an error and the end of its log."""
        _write(sys.stderr, sentence + "\n")
        lines = last_lines(log) if log is not None else []
        if lines:
            _write(sys.stderr, f"Its log, {log}, ends with:\n" + "".join(f"  {line}\n" for line in lines))


def _write(stream: TextIO, text: str) -> None:
    try:
        stream.write(text)
        stream.flush()
    except OSError:  # the terminal is closed; go on without it, because the children must still be ended
        silence = os.open(os.devnull, os.O_WRONLY)
        os.dup2(silence, stream.fileno())
        os.close(silence)
