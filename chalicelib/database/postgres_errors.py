"""What an error of PostgreSQL or of its connection means: the database is away, or the statement is wrong."""

import struct
from collections.abc import Mapping
from typing import cast

from pg8000 import native

LOGIN_REFUSED = ("28000", "28P01")
LOCK_NOT_AVAILABLE = "55P03"
TOO_MANY_CONNECTIONS = "53300"
STALE = ("25006", "0A000", "26000")  # the server was demoted, or the connection's prepared statements are outdated
AWAY_CLASSES = ("08", "28", "53", "57")  # connection, authorization, resources, operator (and our own timeouts)

AWAY = (native.InterfaceError, OSError, struct.error)  # pg8000 raises these if the connection fails


def sqlstate_of(error: BaseException | None) -> str | None:
    """Return the SQLSTATE that the server sent; None if the error is not the server's."""
    if isinstance(error, native.DatabaseError) and error.args and isinstance(error.args[0], Mapping):
        return cast("str | None", error.args[0].get("C"))
    return None


def means_away(error: BaseException) -> bool:
    """Return whether the error means that the database cannot answer now, and not that a statement is wrong."""
    state = sqlstate_of(error)
    if state is not None:
        return state[:2] in AWAY_CLASSES or state in STALE or state == LOCK_NOT_AVAILABLE
    return isinstance(error, AWAY)


def reason_of(error: BaseException) -> str:
    """Return in one line why an operation failed, in the server's words if it sent any."""
    if isinstance(error, native.DatabaseError) and error.args and isinstance(error.args[0], Mapping):
        return f"{error.args[0].get('M')} (SQLSTATE {error.args[0].get('C')})"
    cause = f": {error.__cause__}" if error.__cause__ else ""
    return f"{str(error) or type(error).__name__}{cause}"
