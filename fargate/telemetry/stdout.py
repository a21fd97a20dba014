"""A standard output that never blocks a request.

Lines go into a bounded queue; one thread writes them to the file descriptor. If the queue is full, lines are dropped
and counted: a log driver that stops reading costs lines, not responses.
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
"""The thread's pause between writes. It saves wake-ups; a killed process loses the lines of one pause."""

BUSY_LINES = 20
BUSY_SECONDS = 0.05
"""The pause after `BUSY_LINES` in one write: each wake-up takes the GIL from threads that serve requests."""

CLOSE_SECONDS = 2.0


class BoundedStdout(io.TextIOBase):
    """A text stream over a file descriptor; `write` never blocks.

    Args:
        descriptor: a file descriptor; it stays open.
        max_lines: the size of the queue.
    """

    encoding = "utf-8"

    def __init__(self, descriptor: int, max_lines: int = MAX_LINES) -> None:
        self.dropped = 0  # lines since the start
        self._descriptor = descriptor
        self._max_lines = max_lines
        self._lines: SimpleQueue[str | None] = SimpleQueue()
        self._begun = threading.local()  # a thread's incomplete line
        self._thread = threading.Thread(target=self._run, name="stdout", daemon=True)
        self._thread.start()

    def write(self, text: str) -> int:
        """Queue complete lines; keep an incomplete one until its end is written."""
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
        """Return True; io.TextIOBase returns False."""
        return True

    def fileno(self) -> int:
        return self._descriptor

    def isatty(self) -> bool:
        return os.isatty(self._descriptor)

    def finish(self, seconds: float = CLOSE_SECONDS) -> None:
        """Write the queued lines; give up after so many seconds."""
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
        """Wait for a line; return all queued lines, and whether they are the last."""
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
        except OSError:  # the reader is gone
            self.dropped += len(lines)


def bound_stdout() -> BoundedStdout:
    """Replace `sys.stdout` by a bounded stream. Call it before any code keeps a reference to the old one."""
    with contextlib.suppress(AttributeError):
        sys.stdout.flush()
    stream = BoundedStdout(1)
    sys.stdout = stream
    return stream
