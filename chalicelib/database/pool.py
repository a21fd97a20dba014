"""Sessions on pooled connections to PostgreSQL.

A connection is lent to one operation at a time. After an unexpected error it is closed and never lent again. An
operation takes at most the sum of its `Timeouts`, even if the server is frozen.

What the server refuses is kept apart by what was asked of it. A refused login leaves open connections in use, and a
refused write leaves reads. The circuit opens only while no connection works.
"""

import socket
import time
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass

from pg8000 import native

from chalicelib.database.connection_pool import ConnectionPool
from chalicelib.database.fair_semaphore import FairSemaphore
from chalicelib.database.login import LoginRefusedError, log_in, tls_context
from chalicelib.database.pooler import Entrance, Limits
from chalicelib.database.postgres_errors import (
    AWAY,
    NOT_MIGRATED,
    TOO_MANY_CONNECTIONS,
    means_away,
    reason_of,
    sqlstate_of,
)
from chalicelib.database.session import (
    Connection,
    DatabaseAwayError,
    DatabaseFrozenError,
    DatabaseRefusalError,
    ReadOnlyError,
    RefusedStatementError,
    Session,
    away_error,
)
from chalicelib.database.start_check import NotMigratedError, Schema
from chalicelib.database_url import DatabaseAddress
from chalicelib.errors import DatabaseUnavailableError
from chalicelib.stores.circuit_breaker import CircuitBreaker
from chalicelib.stores.credentials import Credentials, CredentialSource, CredentialsUnavailableError
from chalicelib.stores.instrumentation import Instrumentation
from chalicelib.stores.logins import Logins
from chalicelib.stores.pool_generation import PoolGeneration

CANNOT_OPEN = (CredentialsUnavailableError, native.DatabaseError, *AWAY)

READ_ONLY_CHECK_SECONDS = 1.0
"""While writes are refused, a new connection is opened at most this often, to see whether it may write."""


@dataclass(frozen=True, slots=True)
class Timeouts:
    """How long the stages of one operation may take, in seconds. Their sum bounds the operation.

    The server enforces `lock` and `abandoned`: how long a statement waits for a locked row, and how long a transaction
    may be idle (its task is frozen) before the server ends it.
    """

    pool: float = 0.4  # until a connection is free
    connect: float = 0.5  # each of TCP, TLS and login, if a new connection is needed
    answer: float = 0.6  # from the first statement to the last answer
    lock: float = 0.4
    abandoned: float = 5.0
    secret: float = 1.5  # until Secrets Manager has answered, if no connection is open


class SessionPool:
    """A bounded number of connections. Each is lent to one operation; waiting operations are served in order."""

    def __init__(
        self,
        address: DatabaseAddress,
        credentials: CredentialSource,
        size: int,
        timeouts: Timeouts,
        instrumentation: Instrumentation,
        schema: Schema,
    ) -> None:
        self.schema = schema
        self._instrumentation = instrumentation
        self._address = address
        self._logins = Logins("PostgreSQL", credentials, LoginRefusedError, reason_of)
        self._timeouts = timeouts
        self._tls = tls_context(address)
        self.entrance = Entrance(server_limits(timeouts), prepares=address.prepares)
        self._generation = PoolGeneration()
        self._permits = FairSemaphore(size)
        self.breaker = CircuitBreaker(
            "PostgreSQL", self._try_connect, DatabaseAwayError, opens_at_once=DatabaseFrozenError
        )
        self.connections = ConnectionPool(self._open, self._is_usable, size, CANNOT_OPEN)
        self._next_read_only_check = 0.0

    @contextmanager
    def session(self) -> Iterator[Session]:
        """Lend a connection; each statement on it commits by itself.

        Raises:
            DatabaseUnavailableError: the database cannot answer. A statement that writes may have run.
        """
        self._raise_if_away()
        deadline = time.monotonic() + self._timeouts.pool
        self._acquire_permit()
        try:
            self._raise_if_away()  # another thread may have found out meanwhile
            connection = self._checkout(deadline - time.monotonic())
            session = Session(connection, self._timeouts.answer, self._instrumentation)
            try:
                yield session
            except ReadOnlyError as error:
                raise self._after_refused_write(connection, session, error) from error
            finally:
                self._checkin(connection, session)
        except DatabaseAwayError as error:
            self.breaker.record_failure(error)
            raise
        except NotMigratedError as error:
            self.schema.record(error)
            raise
        except DatabaseRefusalError as error:
            self.breaker.record_refusal(error)
            raise
        finally:
            self._permits.release()
        self.breaker.record_success()
        self.schema.has_worked = True

    @contextmanager
    def transaction(self) -> Iterator[Session]:
        """Lend a connection in a transaction; commit at the end of the block, or roll back if it raises.

        Raises:
            DatabaseUnavailableError: the database cannot answer. If COMMIT failed, it may have committed.
        """
        with self.session() as session:
            session.begin()
            try:
                yield session
                session.commit()
            except BaseException:
                session.roll_back()
                raise

    def close(self) -> None:
        """Close idle connections now, and lent ones when they are returned."""
        self.schema.close()
        self.connections.close()

    def _raise_if_away(self) -> None:
        if self.breaker.is_open:
            raise DatabaseUnavailableError("PostgreSQL is away")

    def _try_connect(self) -> None:
        """Open a connection, see that it answers, and close it. Raises DatabaseAwayError."""
        try:
            with closing(self._open()) as connection:
                connection.prove(self._timeouts.answer)
        except CANNOT_OPEN as error:
            raise DatabaseAwayError(reason_of(error)) from error

    def _acquire_permit(self) -> None:
        began = time.monotonic()
        is_acquired = self._permits.acquire(self._timeouts.pool)
        self._instrumentation.record_wait(time.monotonic() - began)
        if not is_acquired:
            self._instrumentation.record_pool_timeout()
            raise DatabaseUnavailableError(f"no connection was free within {self._timeouts.pool} s")

    def _checkout(self, seconds: float) -> Connection:
        try:
            return self.connections.checkout(seconds)
        except CANNOT_OPEN as error:
            if self.connections.is_any_open and means_unavailable(error):
                self._instrumentation.record_pool_timeout()
                reason = f"no connection was free within {self._timeouts.pool} s, and none can be opened"
                raise DatabaseRefusalError(f"{reason}: {reason_of(error)}") from error
            if sqlstate_of(error) == TOO_MANY_CONNECTIONS:
                raise DatabaseUnavailableError(reason_of(error)) from error
            if sqlstate_of(error) in NOT_MIGRATED:
                raise NotMigratedError(reason_of(error)) from error
            if means_unavailable(error):
                raise away_error(error) from error
            raise

    def _after_refused_write(
        self, connection: Connection, session: Session, error: ReadOnlyError
    ) -> DatabaseUnavailableError:
        """Return the error to raise. A primary keeps its connections: they still read.

        A connection to a server that was demoted is replaced, with all of its generation. So is one that remembers that
        it may not write, when a new one may. The write has not run, so it is tried again on a new connection.
        """
        is_on_primary = session.is_on_primary()
        if is_on_primary and not self._may_write_again():
            return error
        session.is_stale = True
        return (RefusedStatementError if is_on_primary or connection.used else DatabaseAwayError)(str(error))

    def _may_write_again(self) -> bool:
        """Return whether a new connection may write; False without asking if that was asked a moment ago."""
        now = time.monotonic()
        if now < self._next_read_only_check:
            return False
        self._next_read_only_check = now + READ_ONLY_CHECK_SECONDS
        try:
            with closing(self._open()) as connection:
                return connection.run("SHOW transaction_read_only", self._timeouts.answer) == [["off"]]
        except CANNOT_OPEN:
            return False

    def _checkin(self, connection: Connection, session: Session) -> None:
        """Keep the connection for the next operation, unless anything unexpected happened on it."""
        connection.used = True
        if session.is_stale:
            self._generation.retire(connection.generation)  # what closed this connection has closed the others too
        if session.is_stale or session.in_transaction or not session.is_ready:
            self.connections.discard(connection)
        else:
            self.connections.checkin(connection)

    def _is_usable(self, connection: Connection) -> bool:
        """Whether an idle connection may be lent; costs no round trip."""
        return connection.generation == self._generation.current and not connection.is_closed_by_server()

    def _open(self) -> Connection:
        generation = self._generation.current

        def connect(credentials: Credentials) -> Connection:
            def log_in_with(parameters: Mapping[str, str]) -> tuple[native.Connection, socket.socket]:
                seconds = self._timeouts.connect
                return log_in(native.Connection, self._address, self._tls, credentials, seconds, parameters)

            return self.entrance.open(log_in_with, generation)

        # With a connection open, the borrower waits for that one as well, and tries again.
        return self._logins.connect(connect, 0.0 if self.connections.is_any_open else self._timeouts.secret)


def server_limits(timeouts: Timeouts) -> Limits:
    """Return the limits that the server enforces; a statement's is shorter than our own deadline."""
    seconds = {
        "statement_timeout": 0.9 * timeouts.answer,
        "lock_timeout": timeouts.lock,
        "idle_in_transaction_session_timeout": timeouts.abandoned,
    }
    return Limits({name: str(round(limit * 1000)) for name, limit in seconds.items()})


def means_unavailable(error: BaseException) -> bool:
    """Return whether no connection could be opened for a reason that may pass by itself."""
    return isinstance(error, CredentialsUnavailableError) or means_away(error)
