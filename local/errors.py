"""What can go wrong on a developer's machine. Each error is one sentence for a person; no traceback is ever shown.

LocalError
├── AlreadyRunningError   another run holds the data folder
├── AddressError          HOST or PORT cannot be listened on
├── MissingProgramError   a server's program is not installed
└── ProgramError          a program failed, died or was not ready in time; knows its log
"""

from pathlib import Path


class LocalError(Exception):
    """The root: why the shop does not run here."""


class AlreadyRunningError(LocalError):
    """Another run uses this data folder."""


class AddressError(LocalError):
    """The shop cannot listen there."""


class MissingProgramError(LocalError):
    """A server's program is not on this machine; the message says what to install."""


class ProgramError(LocalError):
    """A program did not do what it was started for; `log` is where it may say why, if it keeps one."""

    def __init__(self, message: str, log: Path | None = None) -> None:
        super().__init__(message)
        self.log = log
