"""Errors on a developer's machine. The message of each is one sentence, which is printed instead of a traceback.

LocalError
├── AlreadyRunningError   another run has locked the data folder
├── AddressError          HOST or PORT cannot be listened on
├── MissingProgramError   a server's program is not installed
└── ProgramError          a program failed, ended or was not ready in time; knows its log
"""

from pathlib import Path


class LocalError(Exception):
    """The base of these errors."""


class AlreadyRunningError(LocalError):
    """Another run has locked this data folder."""


class AddressError(LocalError):
    """The shop cannot listen there."""


class MissingProgramError(LocalError):
    """A server's program is not installed; the message says what to install."""


class ProgramError(LocalError):
    """A program failed, ended or was not ready in time; `log` is its log, if it has one."""

    def __init__(self, message: str, log: Path | None = None) -> None:
        super().__init__(message)
        self.log = log
