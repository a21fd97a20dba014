"""A standard output that never makes a request wait, whoever reads it or does not.

Lines go into a bounded queue that one thread empties into the file descriptor. Past the bound they are dropped and
counted: a log driver that has stopped reading may cost lines, never answers.
"""

import contextlib
import io
import os
import sys
import threading
import time
from queue import Empty, SimpleQueue

MAX_LINES = 10_000
BATCH_SECONDS = 0.01
"""How long the thread lets lines gather: fewer wake-ups, and at most so much is lost when the process is killed."""

BUSY_LINES = 20
BUSY_SECONDS = 0.05
"""How long it does so where so many have come at a time: each wake-up takes the interpreter from those who answer."""

CLOSE_SECONDS = 2.0


class BoundedStdout(io.TextIOBase):
    """A text stream over a file descriptor; `write` never blocks.

    Args:
        descriptor: where the lines go; it stays open.
        max_lines: how many may wait to be written.
    """

    encoding = "utf-8"

    def __init__(self, descriptor: int, max_lines: int = MAX_LINES) -> None:
        self.dropped = 0  # lines, since the start
        self._descriptor = descriptor
        self._max_lines = max_lines
        self._lines: SimpleQueue[str | None] = SimpleQueue()
        self._begun = threading.local()  # what a thread has written of a line that it has not ended
        self._thread = threading.Thread(target=self._run, name="stdout", daemon=True)
        self._thread.start()

    def write(self, text: str) -> int:
        """Queue what is a whole line by now; the rest waits for its end."""
        if "\n" not in text:
            self._begun.text = getattr(self._begun, "text", "") + text
            return len(text)
        lines = text
        if self._begun.__dict__ or text[-1] != "\n":
            whole, _, rest = (self._begun.__dict__.pop("text", "") + text).rpartition("\n")
            lines = whole + "\n"
            if rest:
                self._begun.text = rest
        if self._lines.qsize() >= self._max_lines:
            self.dropped += 1
        else:
            self._lines.put(lines)
        return len(text)

    def writable(self) -> bool:
        """Say yes: io.TextIOBase says no."""
        return True

    def fileno(self) -> int:
        """Return the file descriptor."""
        return self._descriptor

    def isatty(self) -> bool:
        """Tell whether a person reads this."""
        return os.isatty(self._descriptor)

    def finish(self, seconds: float = CLOSE_SECONDS) -> None:
        """Write what waits, so that the last line is not lost; give up on a reader that does not read."""
        self._lines.put(None)
        self._thread.join(seconds)

    def _run(self) -> None:
        while True:
            lines, last = self._gather()
            self._write(lines)
            if last:
                return
            time.sleep(BATCH_SECONDS if len(lines) < BUSY_LINES else BUSY_SECONDS)

    def _gather(self) -> tuple[list[str], bool]:
        """Return the lines that wait, at least one, and whether they are the last."""
        lines: list[str] = []
        line = self._lines.get()
        while line is not None:
            lines.append(line)
            try:
                line = self._lines.get_nowait()
            except Empty:
                return lines, False
        return lines, True

    def _write(self, lines: list[str]) -> None:
        rest = memoryview("".join(lines).encode("utf-8", "backslashreplace"))
        try:
            while rest:
                rest = rest[os.write(self._descriptor, rest) :]
        except OSError:  # nobody will ever read it
            self.dropped += len(lines)


def bound_stdout() -> BoundedStdout:
    """Put a bounded stream in the place of `sys.stdout`; call it before anything takes hold of the old one."""
    with contextlib.suppress(AttributeError):
        sys.stdout.flush()
    stream = BoundedStdout(1)
    sys.stdout = stream
    return stream
