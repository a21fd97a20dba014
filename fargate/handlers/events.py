"""Read an event that a person or a scheduler gives."""

import json
import sys
from pathlib import Path
from typing import Any

from fargate.errors import ConfigurationError

STDIN = "-"


def read_event(source: str | None) -> Any:
    """Read an event.

    Args:
        source: a file, `-` for standard input, or JSON that begins with a bracket. None: standard input, unless it is a
            terminal.

    Raises:
        ConfigurationError: there is none, it cannot be read, or it is not JSON; the message says where.
    """
    if source in (None, STDIN):
        return _of_stdin(_read_stdin(reads_terminal=source == STDIN))
    if source.lstrip()[:1] in ("{", "["):
        return _parse(source, "The event")
    return _parse(_text(source), f"The event in {source}")


def _read_stdin(*, reads_terminal: bool) -> bytes:
    """Return all of standard input; nothing if it is closed."""
    if sys.stdin is None or (sys.stdin.isatty() and not reads_terminal):
        return b""
    return sys.stdin.buffer.read()


def _of_stdin(text: bytes) -> Any:
    if not text.strip():
        raise ConfigurationError(
            "There is no event: --event FILE, --event - for standard input, --event '{...}', or --sample"
        )
    return _parse(_decoded(text, "standard input"), "The event from standard input")


def _text(file: str) -> str:
    try:
        return _decoded(Path(file).read_bytes(), file)
    except OSError as error:
        raise ConfigurationError(f"The event cannot be read: {error.strerror}: {file}") from None


def _decoded(text: bytes, place: str) -> str:
    try:
        return text.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise ConfigurationError(f"The event in {place} is not UTF-8: {error}") from None


def _parse(text: str, subject: str) -> Any:
    try:
        return json.loads(text)
    except json.JSONDecodeError as error:
        place = f"line {error.lineno}, column {error.colno}"
        raise ConfigurationError(f"{subject} is not JSON: {place}: {error.msg}") from None
    except RecursionError:
        raise ConfigurationError(f"{subject} is nested too deep") from None
