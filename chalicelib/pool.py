"""Connections to PostgreSQL: opened, kept, checked, and thrown away.

What must hold: a connection is lent to one operation at a time; one on which anything unexpected happened is closed
and never lent again; no operation takes longer than its `Timeouts` add up to, however dead the server is.
"""

import logging
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, TypeVar, cast

from pg8000 import native
from sqlalchemy import event, exc
from sqlalchemy.pool import PoolProxiedConnection, QueuePool

from chalicelib.credentials import CredentialSource, CredentialsUnavailableError
from chalicelib.errors import DatabaseUnavailableError
from chalicelib.guard import Guard
from chalicelib.login import log_in, tls_context, with_login
from chalicelib.session import (
    Connection,
    DatabaseAwayError,
    DatabaseFrozenError,
    DeadConnectionError,
    RefusedStatementError,
    Row,
    Session,
    away_error,
)
from chalicelib.settings import Credentials, DatabaseAddress
from chalicelib.sqlstates import AWAY, TOO_MANY_CONNECTIONS, means_away, reason_of, sqlstate_of
from chalicelib.turnstile import Turnstile
from chalicelib.watch import Watch

logger = logging.getLogger(__name__)

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Timeouts:
    """How long the stages of one operation may take, in seconds. Their sum bounds the operation.

    `lock` and `abandoned` are kept by the server: how long a statement waits for a row that another transaction
    holds, and how long a transaction may lie idle (its task is frozen) before its row is freed again.
    """

    pool: float = 0.4  # until a connection is free
    connect: float = 0.5  # TCP, then TLS, then login, where a fresh connection is needed
    answer: float = 0.6  # from the first statement to the last answer
    lock: float = 0.4
    abandoned: float = 5.0


class SessionPool:
    """A bounded number of connections, lent to one operation each; SQLAlchemy's QueuePool does the lending."""

    def __init__(
        self, address: DatabaseAddress, credentials: CredentialSource, size: int, timeouts: Timeouts, watch: Watch
    ) -> None:
        self._watch = watch
        self._address = address
        self._credentials = credentials
        self._timeouts = timeouts
        self._tls = tls_context(address)
        self._lock = threading.Lock()
        self._generation = 0
        self._closed = False
        self.guard = Guard("PostgreSQL", self._probe, DatabaseAwayError, opens_at_once=DatabaseFrozenError)
        self._turnstile = Turnstile(size)  # so nobody ever waits in the QueuePool itself, where waiters starve
        self.queue = QueuePool(
            cast("Any", self._open), pool_size=size, max_overflow=0, use_lifo=True, reset_on_return=None
        )
        event.listen(self.queue, "checkout", self._check)

    def read(self, work: Callable[[Session], T]) -> T:
        """Do `work` without a transaction, each of its statements by itself.

        Raises:
            DatabaseUnavailableError: the database cannot answer.
        """
        return self._guarded(lambda: self._do(work))

    def write(self, work: Callable[[Session], T]) -> T:
        """Do `work` in a transaction and commit it; what `work` raises rolls it back and reaches the caller.

        Raises:
            DatabaseUnavailableError: the database cannot answer. The transaction is then rolled back, or, where its
                COMMIT was already under way, perhaps not.
        """
        return self._guarded(lambda: self._do(lambda session: _transaction(session, work)))

    def write_at_once(self, sql: str, *, is_idempotent: bool, **values: object) -> list[Row]:
        """Run one statement that commits by itself; return its rows.

        Where a kept connection turns out dead, the database may have run the statement or not: it is run once more on a
        fresh connection only where that makes no difference, or where the database said that it has not run it.

        Raises:
            DatabaseUnavailableError: the database cannot answer. The statement may have been run.
        """
        repeated = DeadConnectionError if is_idempotent else RefusedStatementError
        return self._guarded(lambda: self._do(lambda session: session.run(sql, **values)), repeated)

    def close(self) -> None:
        """Close every connection: the idle ones now, a lent one when it comes back."""
        self._closed = True
        self.queue.dispose()

    def _guarded(self, attempt: Callable[[], T], repeated: type[DeadConnectionError] = DeadConnectionError) -> T:
        """Try where the database is not known to be away; once more where only the connection was dead."""
        self._refuse_if_away()
        try:
            return self.guard.watch(attempt)
        except repeated as error:
            logger.info("A kept database connection was dead; trying a fresh one: %s", error)
        return self.guard.watch(attempt)

    def _refuse_if_away(self) -> None:
        if self.guard.is_open:
            raise DatabaseUnavailableError("PostgreSQL is away")

    def _probe(self) -> None:
        """Open a connection and close it again; raises DatabaseAwayError."""
        try:
            self._open().close()
        except (native.DatabaseError, CredentialsUnavailableError, *AWAY) as error:
            raise DatabaseAwayError(reason_of(error)) from error

    def _do(self, work: Callable[[Session], T]) -> T:
        with self._lent() as (lent, connection):
            session = Session(connection, self._timeouts.answer, self._watch)
            try:
                return work(session)
            finally:
                connection.used = True
                if session.outdated:
                    self._retire(connection.generation)
                if session.outdated or session.in_transaction or not session.in_step or self._closed:
                    lent.invalidate()

    @contextmanager
    def _lent(self) -> Iterator[tuple[PoolProxiedConnection, Connection]]:
        """Lend a live connection, waiting for our turn and perhaps opening one."""
        if not self._admitted():
            raise DatabaseUnavailableError(f"no connection was free within {self._timeouts.pool} s")
        try:
            self._refuse_if_away()  # as others may have found out while we waited
            lent = self._connected()
            try:
                yield lent, cast("Connection", lent.dbapi_connection)
            finally:
                lent.close()
        finally:
            self._turnstile.leave()

    def _admitted(self) -> bool:
        """Wait for our turn; return False where it does not come in time."""
        began = time.monotonic()
        admitted = self._turnstile.enter(self._timeouts.pool)
        self._watch.waited(time.monotonic() - began)
        if not admitted:
            self._watch.turned_away()
        return admitted

    def _connected(self) -> PoolProxiedConnection:
        try:
            return self.queue.connect()
        except CredentialsUnavailableError as error:
            raise DatabaseUnavailableError(str(error)) from error
        except (native.DatabaseError, *AWAY) as error:
            if sqlstate_of(error) == TOO_MANY_CONNECTIONS:
                raise DatabaseUnavailableError(reason_of(error)) from error
            if means_away(error):
                raise away_error(error) from error
            raise

    def _retire(self, generation: int) -> None:
        """Have every connection of that age replaced before its next use: what killed one has killed them all."""
        with self._lock:
            if generation == self._generation:
                self._generation += 1

    def _check(self, connection: Connection, record: object, lent: object) -> None:
        """Have the pool replace a kept connection that is dead or retired; costs no round trip."""
        if connection.used and (connection.generation != self._generation or connection.hung_up()):
            raise exc.DisconnectionError

    def _open(self) -> Connection:
        generation = self._generation
        return with_login(self._credentials, lambda credentials: self._login(credentials, generation))

    def _login(self, credentials: Credentials, generation: int) -> Connection:
        limits = self._server_limits()
        seconds = self._timeouts.connect
        driver, sock = log_in(native.Connection, self._address, self._tls, credentials, seconds, limits)
        return Connection(driver, sock, generation)

    def _server_limits(self) -> dict[str, str]:
        return {
            "statement_timeout": _milliseconds(0.9 * self._timeouts.answer),  # before we hang up on it
            "lock_timeout": _milliseconds(self._timeouts.lock),
            "idle_in_transaction_session_timeout": _milliseconds(self._timeouts.abandoned),
        }


def _transaction(session: Session, work: Callable[[Session], T]) -> T:
    session.begin()
    try:
        result = work(session)
        session.commit()
    except BaseException:
        session.roll_back()
        raise
    return result


def _milliseconds(seconds: float) -> str:
    return str(round(seconds * 1000))
