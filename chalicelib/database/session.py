"""A connection to PostgreSQL, and a session: the statements that one operation runs on it before its deadline.

After a session, its flags say whether the connection can be used again. Errors of the server are kept apart from a
server that does not answer.
"""

import re
import select
import socket
import time
from collections.abc import Callable
from contextlib import suppress
from functools import lru_cache
from typing import Any, TypeVar, cast

from pg8000 import native

from chalicelib.database.postgres_errors import (
    AWAY,
    NO_ROOM,
    NOT_MIGRATED,
    READ_ONLY,
    STALE,
    means_away,
    reason_of,
    sqlstate_of,
)
from chalicelib.database.start_check import NotMigratedError
from chalicelib.errors import DatabaseUnavailableError
from chalicelib.stores.instrumentation import Instrumentation

T = TypeVar("T")
Row = list[Any]
_VERBS = re.compile(r"(?<!FOR )\b(?:INSERT|UPDATE|DELETE|SELECT)\b")

BEGIN = "BEGIN ISOLATION LEVEL READ COMMITTED"  # each statement sees what was committed before it
ROLLBACK_SECONDS = 0.25
MAX_SECONDS_BEFORE_RETRY = 0.25  # a closed connection fails at once; after more, there is no time for a retry


class DatabaseAwayError(DatabaseUnavailableError):
    """The database does not answer, or is not a primary. The circuit breaker counts this error."""


class DatabaseFrozenError(DatabaseAwayError):
    """The database sent nothing before the deadline, although it cancels slow statements itself. Opens the circuit."""


class DatabaseRefusalError(DatabaseUnavailableError):
    """The database refuses a login or a write, and does its other work. The circuit breaker does not open for it."""


class ReadOnlyError(DatabaseRefusalError):
    """The server refuses writes. This one has not run."""


def away_error(error: BaseException) -> DatabaseAwayError:
    """Return the error to raise instead of one that means that the database is away."""
    timed_out = isinstance(error, TimeoutError) or isinstance(error.__cause__, TimeoutError)
    return (DatabaseFrozenError if timed_out else DatabaseAwayError)(reason_of(error))


class DeadConnectionError(DatabaseUnavailableError):
    """An idle connection was closed before it answered its first statement. That statement may have run."""


class RefusedStatementError(DeadConnectionError):
    """The server said that it closes the connection: the statement has not run."""


class Connection:
    """A pg8000 connection, its socket, and its prepared statements."""

    def __init__(self, driver: native.Connection, sock: socket.socket, generation: int) -> None:
        self.generation = generation
        self.used = False
        self.begin_sql = BEGIN
        self._driver = driver
        self._socket = sock
        self._statements: dict[str, native.PreparedStatement] = {}

    def command(self, sql: str, seconds: float) -> None:
        """Run a statement without values and without rows: one round trip."""
        self._socket.settimeout(seconds)
        self._driver.run(sql)

    def run(self, sql: str, seconds: float, **values: object) -> list[Row]:
        """Run a prepared statement: one round trip, and one more to prepare it first."""
        self._socket.settimeout(seconds)
        statement = self._statements.get(sql)
        if statement is None:
            statement = self._statements[sql] = self._driver.prepare(sql)
        return cast("list[Row]", statement.run(**values) or [])

    def prove(self, seconds: float) -> None:
        """Check that the server answers statements; it does, as it has just answered the login."""

    def is_closed_by_server(self) -> bool:
        """Whether an idle connection is dead: an idle server sends nothing, except when it closes the connection."""
        poller = select.poll()
        poller.register(self._socket, select.POLLIN | getattr(select, "POLLRDHUP", 0))
        return bool(poller.poll(0))

    def close(self) -> None:
        """Close the connection; raises nothing, even if the server is gone."""
        with suppress(native.InterfaceError, OSError, ValueError):
            self._driver.close()
        self._socket.close()


class Session:
    """Runs one operation's statements on a connection; all of them share one deadline."""

    def __init__(self, connection: Connection, seconds: float, instrumentation: Instrumentation) -> None:
        self.is_ready = True  # the server waits for the next statement (PostgreSQL's ReadyForQuery)
        self.in_transaction = False
        self.is_stale = False  # neither this connection nor any other of its generation may be used again
        self._nothing_answered = connection.used  # an idle connection that has answered no statement of this session
        self._connection = connection
        self._instrumentation = instrumentation
        self._began = time.monotonic()
        self._seconds = seconds

    def run(self, sql: str, **values: object) -> list[Row]:
        """Run a statement with `:name` placeholders and return its rows.

        Raises:
            DatabaseUnavailableError: the database cannot answer.
            native.DatabaseError: the statement is wrong.
        """
        return self._run(sql, lambda seconds: self._connection.run(sql, seconds, **values), self._seconds_left())

    def begin(self) -> None:
        """Begin a transaction."""
        nothing_answered = self._nothing_answered
        self._command(self._connection.begin_sql, self._seconds_left())
        self.in_transaction = True
        self._nothing_answered = nothing_answered  # BEGIN changes nothing: a retry is still safe

    def commit(self) -> None:
        """Commit the transaction. After an error it is unknown whether it was: do not acknowledge it."""
        self._command("COMMIT", self._seconds_left())
        self.in_transaction = False

    def is_on_primary(self) -> bool:
        """Ask the server whether it is a primary; False if it does not say. Not in a transaction."""
        try:
            return self.run("SELECT pg_is_in_recovery()") == [[False]]
        except (native.DatabaseError, DatabaseUnavailableError):
            return False

    def roll_back(self) -> None:
        """Roll back if the server accepts statements; if it does not, closing the connection rolls back."""
        if self.is_ready:
            with suppress(native.DatabaseError, DatabaseUnavailableError):
                self._command("ROLLBACK", ROLLBACK_SECONDS)
                self.in_transaction = False

    def _command(self, sql: str, seconds: float) -> None:
        self._run(sql, lambda seconds: self._connection.command(sql, seconds), seconds)

    def _seconds_left(self) -> float:
        left = self._seconds - self._seconds_spent()
        if left <= 0:
            raise DatabaseUnavailableError(f"the database took longer than {self._seconds} s")
        return left

    def _seconds_spent(self) -> float:
        return time.monotonic() - self._began

    def _run(self, sql: str, statement: Callable[[float], T], seconds: float) -> T:
        self.is_ready = False
        try:
            answer = self._instrumentation.timed(operation_of(sql), lambda: statement(seconds))
        except (native.DatabaseError, *AWAY) as error:
            # pg8000 raises a DatabaseError only after the server is ready for the next statement.
            self.is_ready = isinstance(error, native.DatabaseError)
            self._raise_if_away(error)
            raise
        self.is_ready, self._nothing_answered = True, False
        return answer

    def _raise_if_away(self, error: Exception) -> None:
        """Raise DatabaseUnavailableError if the error means that the database cannot answer, or is not migrated."""
        if sqlstate_of(error) in NOT_MIGRATED:
            raise NotMigratedError(reason_of(error)) from error
        if not means_away(error):
            return
        state = sqlstate_of(error) or ""
        if state == READ_ONLY:
            raise ReadOnlyError(reason_of(error)) from error
        self.is_stale = not self.is_ready or state in STALE
        if self.is_stale and self._nothing_answered and self._seconds_spent() < MAX_SECONDS_BEFORE_RETRY:
            kind = RefusedStatementError if self.is_ready else DeadConnectionError
            raise kind(reason_of(error)) from error
        if self.is_stale:
            raise away_error(error) from error
        raise (DatabaseRefusalError if state.startswith(NO_ROOM) else DatabaseUnavailableError)(
            reason_of(error)
        ) from error


@lru_cache(maxsize=256)
def operation_of(sql: str) -> str:
    """Return the operation of a statement, as metrics name it: `INSERT`, `BEGIN`."""
    found = set(_VERBS.findall(sql))
    return next((verb for verb in ("INSERT", "UPDATE", "DELETE", "SELECT") if verb in found), sql.split()[0])
