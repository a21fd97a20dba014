"""The standard output of a command whose result another program reads."""

import contextlib
import io
import os
import sys

STDOUT, STDERR = 1, 2


class ResultStream:
    """Keeps standard output for the result: all else that is written there, also by other processes, goes to stderr.

    Make it before anything is written. Lines are then written at once and whole, whoever reads them.
    """

    def __init__(self) -> None:
        self._descriptor = os.dup(STDOUT)
        os.dup2(STDERR, STDOUT)
        if isinstance(sys.stdout, io.TextIOWrapper):
            sys.stdout.reconfigure(encoding="utf-8", errors="backslashreplace", line_buffering=True)

    def write(self, payload: bytes) -> None:
        """Write the result, and close the stream. A reader that has gone does no harm."""
        with contextlib.suppress(BrokenPipeError), os.fdopen(self._descriptor, "wb") as stream:
            stream.write(payload)
