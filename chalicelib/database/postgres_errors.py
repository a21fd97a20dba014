"""What an error of PostgreSQL or of its connection means: the database is away, or the statement is wrong."""

import struct
from collections.abc import Iterable, Mapping
from typing import cast

from pg8000 import native

LOGIN_REFUSED = ("28000", "28P01")
PROTOCOL_VIOLATION = "08P01"  # PgBouncer's code for most that it refuses itself
REFUSED_PARAMETER = (PROTOCOL_VIOLATION, "0A000", "22023", "42704")
NOT_MIGRATED = ("3D000", "42501", "42703", "42P01")  # no database, right, column or table of that name
LOCK_NOT_AVAILABLE = "55P03"
TOO_MANY_CONNECTIONS = "53300"
READ_ONLY = "25006"  # the server was demoted, or it is a primary that refuses writes
STALE = ("0A000", "26000")  # the connection's prepared statements are outdated
NO_ROOM = "53"  # the class of errors for a disk, a memory or a limit that is full
AWAY_CLASSES = ("08", "28", "53", "57")  # connection, authorization, resources, operator (and our own timeouts)

AWAY = (native.InterfaceError, OSError, struct.error)  # pg8000 raises these if the connection fails


def sqlstate_of(error: BaseException | None) -> str | None:
    """Return the SQLSTATE that the server sent; None if the error is not the server's."""
    if isinstance(error, native.DatabaseError) and error.args and isinstance(error.args[0], Mapping):
        return cast("str | None", error.args[0].get("C"))
    return None


def is_login_refused(error: BaseException | None) -> bool:
    """Return whether the server, or a pooler before it, refuses the credentials."""
    state = sqlstate_of(error)
    return state in LOGIN_REFUSED or (state == PROTOCOL_VIOLATION and "authentication failed" in _message_of(error))


def is_parameter_refused(error: BaseException | None, names: Iterable[str]) -> bool:
    """Return whether a pooler refuses start-up parameters: by its error code, or because the message names one."""
    if is_login_refused(error):
        return False
    message = _message_of(error)
    return sqlstate_of(error) in REFUSED_PARAMETER or any(name in message for name in names)


def means_away(error: BaseException) -> bool:
    """Return whether the error means that the database cannot answer now, and not that a statement is wrong."""
    state = sqlstate_of(error)
    if state is not None:
        return state[:2] in AWAY_CLASSES or state in (*STALE, READ_ONLY, LOCK_NOT_AVAILABLE)
    return isinstance(error, AWAY)


def _message_of(error: BaseException | None) -> str:
    return str(error.args[0].get("M")) if error is not None and sqlstate_of(error) else ""


def reason_of(error: BaseException) -> str:
    """Return in one line why an operation failed, in the server's words if it sent any."""
    if isinstance(error, native.DatabaseError) and error.args and isinstance(error.args[0], Mapping):
        return f"{error.args[0].get('M')} (SQLSTATE {error.args[0].get('C')})"
    cause = f": {error.__cause__}" if error.__cause__ else ""
    return f"{str(error) or type(error).__name__}{cause}"
