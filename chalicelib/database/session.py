"""A connection to PostgreSQL, and what one operation does with it until its time is up.

What must hold: whoever used a connection knows afterwards whether it may be used again; an error of the server is told
from a server that is away.
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

from chalicelib.database.postgres_errors import AWAY, OUTDATED, means_away, reason_of, sqlstate_of
from chalicelib.errors import DatabaseUnavailableError
from chalicelib.stores.instrumentation import Instrumentation

T = TypeVar("T")
Row = list[Any]
_VERBS = re.compile(r"(?<!FOR )\b(?:INSERT|UPDATE|DELETE|SELECT)\b")

ROLLBACK_SECONDS = 0.25
AT_ONCE_SECONDS = 0.25  # a dead connection says so at once; after more, there is no time to try another


class DatabaseAwayError(DatabaseUnavailableError):
    """The database does not answer at all, or not as a primary: enough of these in a row, and it is left alone."""


class DatabaseFrozenError(DatabaseAwayError):
    """The database said nothing in time, though it ends slow statements itself: one is enough to leave it alone."""


def away_error(error: BaseException) -> DatabaseAwayError:
    """Return what is raised in the place of an error that means that the database is away."""
    timed_out = isinstance(error, TimeoutError) or isinstance(error.__cause__, TimeoutError)
    return (DatabaseFrozenError if timed_out else DatabaseAwayError)(reason_of(error))


class DeadConnectionError(DatabaseUnavailableError):
    """A kept connection died before any statement was answered: the same work on a fresh one is safe to try."""


class RefusedStatementError(DeadConnectionError):
    """The same, but the server said so: it has not run the statement, and never will."""


class Connection:
    """A pg8000 connection, its socket, and its prepared statements."""

    def __init__(self, driver: native.Connection, sock: socket.socket, generation: int) -> None:
        self.generation = generation
        self.used = False
        self._driver = driver
        self._socket = sock
        self._statements: dict[str, native.PreparedStatement] = {}

    def command(self, sql: str, seconds: float) -> None:
        """Run a statement without values and without rows: one round trip."""
        self._socket.settimeout(seconds)
        self._driver.run(sql)

    def run(self, sql: str, seconds: float, **values: object) -> list[Row]:
        """Run a prepared statement: one round trip, and another the first time that this connection prepares it."""
        self._socket.settimeout(seconds)
        statement = self._statements.get(sql)
        if statement is None:
            statement = self._statements[sql] = self._driver.prepare(sql)
        return cast("list[Row]", statement.run(**values) or [])

    def hung_up(self) -> bool:
        """Whether the idle connection is dead: a server says nothing unasked, except that it is going."""
        poller = select.poll()
        poller.register(self._socket, select.POLLIN | getattr(select, "POLLRDHUP", 0))
        return bool(poller.poll(0))

    def close(self) -> None:
        """Take leave; of a dead server too."""
        with suppress(native.InterfaceError, OSError, ValueError):
            self._driver.close()
        self._socket.close()


class Session:
    """What one operation may do with the connection lent to it, until its time is up."""

    def __init__(self, connection: Connection, seconds: float, watch: Instrumentation) -> None:
        self.in_step = True  # the server is waiting for us, and we know it
        self.in_transaction = False
        self.outdated = False  # the connection, and with it all of its age, must not be used again
        self._untouched = connection.used  # a kept connection that has not answered any statement of this work yet
        self._connection = connection
        self._watch = watch
        self._began = time.monotonic()
        self._seconds = seconds

    def run(self, sql: str, **values: object) -> list[Row]:
        """Run a statement with `:name` placeholders and return its rows."""
        return self._ask(sql, lambda seconds: self._connection.run(sql, seconds, **values), self._left())

    def begin(self) -> None:
        """Open a transaction in which each statement sees what was committed before that statement."""
        untouched = self._untouched
        self._command("BEGIN ISOLATION LEVEL READ COMMITTED", self._left())
        self.in_transaction = True
        self._untouched = untouched  # nothing came of it yet, and what dies with its connection leaves nothing behind

    def commit(self) -> None:
        """Make the transaction durable. Any error leaves open whether it was: it must not be acknowledged."""
        self._command("COMMIT", self._left())
        self.in_transaction = False

    def roll_back(self) -> None:
        """Undo the transaction where the server still listens; where it does not, closing the connection does."""
        if self.in_step:
            with suppress(native.DatabaseError, DatabaseUnavailableError):
                self._command("ROLLBACK", ROLLBACK_SECONDS)
                self.in_transaction = False

    def _command(self, sql: str, seconds: float) -> None:
        self._ask(sql, lambda seconds: self._connection.command(sql, seconds), seconds)

    def _left(self) -> float:
        left = self._seconds - self._spent()
        if left <= 0:
            raise DatabaseUnavailableError(f"the database took longer than {self._seconds} s")
        return left

    def _spent(self) -> float:
        return time.monotonic() - self._began

    def _ask(self, sql: str, question: Callable[[float], T], seconds: float) -> T:
        self.in_step = False
        try:
            answer = self._watch.step(operation_of(sql), lambda: question(seconds))
        except (native.DatabaseError, *AWAY) as error:
            # pg8000 raises the server's errors once the server is ready for the next statement.
            self.in_step = isinstance(error, native.DatabaseError)
            self._raise_if_away(error)
            raise
        self.in_step, self._untouched = True, False
        return answer

    def _raise_if_away(self, error: Exception) -> None:
        """Raise the port's error where the database is away; return where the error speaks for itself."""
        if not means_away(error):
            return
        self.outdated = not self.in_step or sqlstate_of(error) in OUTDATED
        dead = self.outdated and self._untouched and self._spent() < AT_ONCE_SECONDS
        if dead:
            kind = RefusedStatementError if self.in_step else DeadConnectionError
            raise kind(reason_of(error)) from error
        raise (away_error(error) if self.outdated else DatabaseUnavailableError(reason_of(error))) from error


@lru_cache(maxsize=256)
def operation_of(sql: str) -> str:
    """Return what a statement does, in a word: `INSERT`, `BEGIN`."""
    found = set(_VERBS.findall(sql))
    return next((verb for verb in ("INSERT", "UPDATE", "DELETE", "SELECT") if verb in found), sql.split()[0])
