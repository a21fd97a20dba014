"""Connections to PostgreSQL: opened, kept, checked, and thrown away.

What must hold: a connection is lent to one operation at a time; one on which anything unexpected happened is closed
and never lent again; no operation takes longer than its `Timeouts` add up to, however dead the server is.
"""

import logging
import select
import socket
import ssl
import struct
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import Any, TypeVar, cast

from pg8000 import native
from sqlalchemy import event, exc
from sqlalchemy.pool import PoolProxiedConnection, QueuePool

from chalicelib.credentials import CredentialSource, CredentialsUnavailableError
from chalicelib.errors import DatabaseUnavailableError
from chalicelib.settings import Credentials, DatabaseAddress, SettingsError

logger = logging.getLogger(__name__)

T = TypeVar("T")
Row = list[Any]

SSL_REQUEST = struct.pack("!ii", 8, 80877103)  # the protocol's SSLRequest: its length and its code
LOGIN_REFUSED = ("28000", "28P01")
AWAY_CLASSES = ("08", "28", "53", "57")  # connection, authorization, resources, operator (and our own time limits)
AWAY_STATES = ("25006", "55P03")  # read-only after a failover; a lock was not to be had in time
OUTDATED_STATES = ("25006", "0A000", "26000")  # every connection is on a demoted server, or its statements are stale
ROLLBACK_SECONDS = 0.25
AT_ONCE_SECONDS = 0.25  # a dead connection says so at once; after more, there is no time to try another


@dataclass(frozen=True, slots=True)
class Timeouts:
    """How long the stages of one operation may take, in seconds. Their sum bounds the operation.

    `lock` and `abandoned` are kept by the server: how long a statement waits for a row that another transaction
    holds, and how long a transaction may lie idle (its task is frozen) before its row is freed again.
    """

    pool: float = 0.5  # until a connection is free
    connect: float = 1.0  # TCP, then TLS, then login, where a fresh connection is needed
    answer: float = 1.0  # from the first statement to the last answer
    lock: float = 0.7
    abandoned: float = 5.0


class DeadConnectionError(DatabaseUnavailableError):
    """A kept connection was dead before it was asked anything: the same work on a fresh one is safe to try."""


def sqlstate_of(error: BaseException | None) -> str | None:
    """Return the SQLSTATE that the server sent, also where pg8000 hid it behind a later network error."""
    while error is not None:
        if isinstance(error, native.DatabaseError) and error.args and isinstance(error.args[0], Mapping):
            return cast("str | None", error.args[0].get("C"))
        error = error.__cause__ or error.__context__
    return None


def means_away(error: BaseException) -> bool:
    """Whether an error says that the database cannot answer now, rather than that a statement is wrong."""
    state = sqlstate_of(error)
    if state is not None:
        return state[:2] in AWAY_CLASSES or state in AWAY_STATES or state in OUTDATED_STATES
    return isinstance(error, (native.InterfaceError, OSError, struct.error))


def reason_of(error: BaseException) -> str:
    """Return in one line why an operation failed: the server's own words where there are any."""
    if isinstance(error, native.DatabaseError) and error.args and isinstance(error.args[0], Mapping):
        return f"{error.args[0].get('M')} (SQLSTATE {error.args[0].get('C')})"
    cause = f": {error.__cause__}" if error.__cause__ else ""
    return f"{str(error) or type(error).__name__}{cause}"


def tls_context(address: DatabaseAddress) -> ssl.SSLContext | None:
    """Return what TLS must check: everything (verify-full), nothing (require), or None for no TLS at all.

    Raises:
        SettingsError: sslrootcert cannot be read.
    """
    if address.sslmode == "disable":
        return None
    try:
        context = ssl.create_default_context(cafile=address.sslrootcert)
    except OSError as error:
        raise SettingsError(f"DATABASE_URL has sslrootcert={address.sslrootcert}: {error}") from error
    if address.sslmode == "require":
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    return context


def open_socket(address: DatabaseAddress, tls: ssl.SSLContext | None, seconds: float) -> socket.socket:
    """Connect over TCP and, where wanted, TLS; each step waits for at most `seconds`.

    Raises:
        OSError: nobody answers, or the certificate is not to be trusted.
        ConnectionError: the server has no TLS.
    """
    raw = socket.create_connection((address.host, address.port), timeout=seconds)
    try:
        raw.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        raw.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
        for option, value in (("TCP_KEEPIDLE", 30), ("TCP_KEEPINTVL", 10), ("TCP_KEEPCNT", 3)):
            if hasattr(socket, option):
                raw.setsockopt(socket.IPPROTO_TCP, getattr(socket, option), value)
        return raw if tls is None else _wrap(raw, tls, address.host)
    except BaseException:
        raw.close()
        raise


def _wrap(raw: socket.socket, tls: ssl.SSLContext, host: str) -> ssl.SSLSocket:
    raw.sendall(SSL_REQUEST)
    if raw.recv(1) != b"S":
        raise ConnectionError("the server has no TLS, and sslmode asks for it")
    return tls.wrap_socket(raw, server_hostname=host)


def with_login(credentials: CredentialSource, login: Callable[[Credentials], T]) -> T:
    """Log in; where the server refuses the credentials, once more with those that a rotation brought."""
    tried = credentials.current()
    try:
        return login(tried)
    except native.DatabaseError as error:
        if sqlstate_of(error) not in LOGIN_REFUSED:
            raise
        renewed = credentials.refresh(tried)
        if renewed == tried:
            raise
    return login(renewed)


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

    def __init__(self, connection: Connection, seconds: float) -> None:
        self.in_step = True  # the server is waiting for us, and we know it
        self.in_transaction = False
        self.outdated = False  # the connection, and with it all of its age, must not be used again
        self._untouched = connection.used  # a kept connection that has not answered this operation anything yet
        self._connection = connection
        self._began = time.monotonic()
        self._seconds = seconds

    def run(self, sql: str, **values: object) -> list[Row]:
        """Run a statement with `:name` placeholders and return its rows."""
        return self._ask(lambda seconds: self._connection.run(sql, seconds, **values), self._left())

    def begin(self) -> None:
        """Open a transaction in which each statement sees what was committed before that statement."""
        self._command("BEGIN ISOLATION LEVEL READ COMMITTED", self._left())
        self.in_transaction = True

    def commit(self) -> None:
        """Make the transaction durable. Any error leaves open whether it was: it must not be acknowledged."""
        self._command("COMMIT", self._left())
        self.in_transaction = False

    def roll_back(self) -> None:
        """Undo the transaction where the server still listens; where it does not, closing the connection does."""
        if self.in_step:
            with suppress(native.Error, DatabaseUnavailableError):
                self._command("ROLLBACK", ROLLBACK_SECONDS)
                self.in_transaction = False

    def _command(self, sql: str, seconds: float) -> None:
        self._ask(lambda seconds: self._connection.command(sql, seconds), seconds)

    def _left(self) -> float:
        left = self._seconds - self._spent()
        if left <= 0:
            raise DatabaseUnavailableError(f"the database took longer than {self._seconds} s")
        return left

    def _spent(self) -> float:
        return time.monotonic() - self._began

    def _ask(self, question: Callable[[float], T], seconds: float) -> T:
        self.in_step = False
        try:
            answer = question(seconds)
        except native.DatabaseError as error:
            self.in_step = True  # pg8000 raises it once the server is ready for the next statement
            self._raise_if_away(error)
            raise
        except (native.InterfaceError, OSError, struct.error) as error:
            self._raise_if_away(error)
            raise
        self.in_step, self._untouched = True, False
        return answer

    def _raise_if_away(self, error: Exception) -> None:
        """Raise the port's error where the database is away; return where the error speaks for itself."""
        if not means_away(error):
            return
        self.outdated = not self.in_step or sqlstate_of(error) in OUTDATED_STATES
        dead = self.outdated and self._untouched and self._spent() < AT_ONCE_SECONDS
        kind = DeadConnectionError if dead else DatabaseUnavailableError
        raise kind(reason_of(error)) from error


class SessionPool:
    """A bounded number of connections, lent to one operation each; SQLAlchemy's QueuePool does the lending."""

    def __init__(self, address: DatabaseAddress, credentials: CredentialSource, size: int, timeouts: Timeouts) -> None:
        self._address = address
        self._credentials = credentials
        self._timeouts = timeouts
        self._tls = tls_context(address)
        self._lock = threading.Lock()
        self._generation = 0
        self._closed = False
        self.queue = QueuePool(
            cast("Any", self._open),
            pool_size=size,
            max_overflow=0,
            timeout=timeouts.pool,
            use_lifo=True,
            reset_on_return=None,
        )
        event.listen(self.queue, "checkout", self._check)

    def read(self, work: Callable[[Session], T]) -> T:
        """Do `work` without a transaction, each of its statements by itself.

        Raises:
            DatabaseUnavailableError: the database cannot answer.
        """
        return self._twice_if_dead(lambda: self._do(work))

    def write(self, work: Callable[[Session], T]) -> T:
        """Do `work` in a transaction and commit it; what `work` raises rolls it back and reaches the caller.

        Raises:
            DatabaseUnavailableError: the database cannot answer. The transaction is then rolled back, or, where its
                COMMIT was already under way, perhaps not.
        """
        return self._twice_if_dead(lambda: self._do(lambda session: _transaction(session, work)))

    def close(self) -> None:
        """Close every connection: the idle ones now, a lent one when it comes back."""
        self._closed = True
        self.queue.dispose()

    def _twice_if_dead(self, attempt: Callable[[], T]) -> T:
        try:
            return attempt()
        except DeadConnectionError as error:
            logger.info("A kept database connection was dead; trying a fresh one: %s", error)
        return attempt()

    def _do(self, work: Callable[[Session], T]) -> T:
        with self._lent() as (lent, connection):
            session = Session(connection, self._timeouts.answer)
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
        """Lend a live connection, waiting for a free one or opening one."""
        try:
            lent = self.queue.connect()
        except exc.TimeoutError as error:
            raise DatabaseUnavailableError(f"no connection was free within {self._timeouts.pool} s") from error
        except CredentialsUnavailableError as error:
            raise DatabaseUnavailableError(str(error)) from error
        except (native.Error, OSError, struct.error) as error:
            if means_away(error):
                raise DatabaseUnavailableError(reason_of(error)) from error
            raise
        try:
            yield lent, cast("Connection", lent.dbapi_connection)
        finally:
            lent.close()

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
        sock = open_socket(self._address, self._tls, self._timeouts.connect)
        try:
            driver = log_in(native.Connection, self._address, credentials, sock, self._server_limits())
            return Connection(driver, sock, generation)
        except BaseException:
            sock.close()
            raise

    def _server_limits(self) -> dict[str, str]:
        return {
            "statement_timeout": _milliseconds(0.9 * self._timeouts.answer),  # before we hang up on it
            "lock_timeout": _milliseconds(self._timeouts.lock),
            "idle_in_transaction_session_timeout": _milliseconds(self._timeouts.abandoned),
        }


def log_in(
    kind: Callable[..., T],
    address: DatabaseAddress,
    credentials: Credentials,
    sock: socket.socket,
    parameters: Mapping[str, str],
) -> T:
    """Log in over an open socket with one of pg8000's connection classes; only to a server that takes writes.

    Raises:
        native.InterfaceError: the server is a standby, as after a failover that the host's name has not followed yet.
    """
    driver = kind(
        credentials.username,
        host=address.host,
        database=address.database,
        password=credentials.password or "",
        sock=sock,
        ssl_context=False,  # the socket has its TLS already
        application_name="chalice-app",
        startup_params={"client_encoding": "UTF8", **parameters},
    )
    if cast("Any", driver).parameter_statuses.get("in_hot_standby") == "on":
        cast("Any", driver).close()
        raise native.InterfaceError("the server is a standby: it may be behind, and takes no writes")
    return driver


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
