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
from typing import TypeVar

from pg8000 import native

from chalicelib.database.connection_pool import ConnectionPool
from chalicelib.database.fair_semaphore import FairSemaphore
from chalicelib.database.login import log_in, tls_context, with_login
from chalicelib.database.postgres_errors import AWAY, TOO_MANY_CONNECTIONS, means_away, reason_of, sqlstate_of
from chalicelib.database.session import (
    Connection,
    DatabaseAwayError,
    DatabaseFrozenError,
    DeadConnectionError,
    RefusedStatementError,
    Row,
    Session,
    away_error,
)
from chalicelib.errors import DatabaseUnavailableError
from chalicelib.settings import DatabaseAddress
from chalicelib.stores.circuit_breaker import CircuitBreaker
from chalicelib.stores.credentials import Credentials, CredentialSource, CredentialsUnavailableError
from chalicelib.stores.instrumentation import Instrumentation

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
    """A bounded number of connections, lent to one operation each, in the order of their arrival."""

    def __init__(
        self,
        address: DatabaseAddress,
        credentials: CredentialSource,
        size: int,
        timeouts: Timeouts,
        watch: Instrumentation,
    ) -> None:
        self._watch = watch
        self._address = address
        self._credentials = credentials
        self._timeouts = timeouts
        self._tls = tls_context(address)
        self._lock = threading.Lock()
        self._generation = 0
        self.breaker = CircuitBreaker("PostgreSQL", self._probe, DatabaseAwayError, opens_at_once=DatabaseFrozenError)
        self._turnstile = FairSemaphore(size)
        self.connections = ConnectionPool(self._open, self._is_fit, size)

    def read(self, work: Callable[[Session], T]) -> T:
        """Do `work` without a transaction, each of its statements by itself.

        Raises:
            DatabaseUnavailableError: the database cannot answer.
        """
        return self._through_breaker(lambda: self._do(work))

    def write(self, work: Callable[[Session], T]) -> T:
        """Do `work` in a transaction and commit it; what `work` raises rolls it back and reaches the caller.

        Raises:
            DatabaseUnavailableError: the database cannot answer. The transaction is then rolled back, or, where its
                COMMIT was already under way, perhaps not.
        """
        return self._through_breaker(lambda: self._do(lambda session: _transaction(session, work)))

    def write_at_once(self, sql: str, *, is_idempotent: bool, **values: object) -> list[Row]:
        """Run one statement that commits by itself; return its rows.

        Where a kept connection turns out dead, the database may have run the statement or not: it is run once more on a
        fresh connection only where that makes no difference, or where the database said that it has not run it.

        Raises:
            DatabaseUnavailableError: the database cannot answer. The statement may have been run.
        """
        repeated = DeadConnectionError if is_idempotent else RefusedStatementError
        return self._through_breaker(lambda: self._do(lambda session: session.run(sql, **values)), repeated)

    def close(self) -> None:
        """Close every connection: the idle ones now, a lent one when it comes back."""
        self.connections.close()

    def _through_breaker(
        self, attempt: Callable[[], T], repeated: type[DeadConnectionError] = DeadConnectionError
    ) -> T:
        """Try where the database is not known to be away; once more where only the connection was dead."""
        self._refuse_if_away()
        try:
            return self.breaker.watch(attempt)
        except repeated as error:
            logger.info("A kept database connection was dead; trying a fresh one: %s", error)
        return self.breaker.watch(attempt)

    def _refuse_if_away(self) -> None:
        if self.breaker.is_open:
            raise DatabaseUnavailableError("PostgreSQL is away")

    def _probe(self) -> None:
        """Open a connection and close it again; raises DatabaseAwayError."""
        try:
            self._open().close()
        except (native.DatabaseError, CredentialsUnavailableError, *AWAY) as error:
            raise DatabaseAwayError(reason_of(error)) from error

    def _do(self, work: Callable[[Session], T]) -> T:
        with self._turn():
            connection = self._connected()
            session = Session(connection, self._timeouts.answer, self._watch)
            try:
                return work(session)
            finally:
                self._take_back(connection, session)

    @contextmanager
    def _turn(self) -> Iterator[None]:
        """Wait for our turn to have a connection; let the next one in afterwards."""
        if not self._admitted():
            raise DatabaseUnavailableError(f"no connection was free within {self._timeouts.pool} s")
        try:
            self._refuse_if_away()  # as others may have found out while we waited
            yield
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

    def _connected(self) -> Connection:
        """Return a live connection: a kept one, or a new one."""
        try:
            return self.connections.take()
        except CredentialsUnavailableError as error:
            raise DatabaseUnavailableError(str(error)) from error
        except (native.DatabaseError, *AWAY) as error:
            if sqlstate_of(error) == TOO_MANY_CONNECTIONS:
                raise DatabaseUnavailableError(reason_of(error)) from error
            if means_away(error):
                raise away_error(error) from error
            raise

    def _take_back(self, connection: Connection, session: Session) -> None:
        """Keep a connection for the next operation, unless anything unexpected has happened on it."""
        connection.used = True
        if session.outdated:
            self._retire(connection.generation)
        if session.outdated or session.in_transaction or not session.in_step:
            self.connections.discard(connection)
        else:
            self.connections.give_back(connection)

    def _retire(self, generation: int) -> None:
        """Have every connection of that age replaced before its next use: what killed one has killed them all."""
        with self._lock:
            if generation == self._generation:
                self._generation += 1

    def _is_fit(self, connection: Connection) -> bool:
        """Whether a kept connection is neither retired nor dead; costs no round trip."""
        return connection.generation == self._generation and not connection.hung_up()

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
