"""Connections through a pooler (PgBouncer, RDS Proxy), which lends a server's connection for one transaction.

What a session sets or prepares may then be lost, or reach other clients. Behind a pooler, each statement therefore
carries its limits, is not prepared, and asks whether the server is a primary: all in one round trip.

A pooler is noticed with the first connection of the process: it refuses or ignores start-up parameters, and the number
of the server's process is not the one that the login gave.
"""

import functools
import logging
import socket
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, cast

from pg8000 import core, native
from pg8000.converters import make_params

from chalicelib.database.login import STANDBY
from chalicelib.database.postgres_errors import AWAY, is_parameter_refused, reason_of
from chalicelib.database.session import BEGIN, Connection, Row

logger = logging.getLogger("shop")

UNNAMED = core.NULL_BYTE
PROCESS = "SELECT pg_backend_pid()"
IN_FORCE = "SELECT pg_backend_pid(), name, CAST(setting AS INT) FROM pg_settings WHERE name IN ({names})"
MODE_TRIES = 3

LogIn = Callable[[Mapping[str, str]], tuple[native.Connection, socket.socket]]
"""Logs in with these start-up parameters."""


@dataclass(frozen=True, slots=True)
class Limits:
    """How long the server lets a statement run, wait for a lock, and a transaction be idle. Milliseconds, as text."""

    by_name: Mapping[str, str]

    def as_expressions(self) -> str:
        """Return the expressions that set them until the end of the transaction."""
        return "".join(f", set_config('{name}', '{value}', true)" for name, value in self.by_name.items())

    def as_commands(self) -> str:
        """Return the commands that do the same."""
        return "".join(f"; SET LOCAL {name} = {value}" for name, value in self.by_name.items())

    def query(self) -> str:
        """Return what asks the server for the number of its process, and for each limit in force."""
        return IN_FORCE.format(names=", ".join(f"'{name}'" for name in self.by_name))

    def are_met(self, in_force: Mapping[str, int]) -> bool:
        """Whether the limits in force are these or shorter ones."""
        return all(0 < in_force.get(name, 0) <= int(value) for name, value in self.by_name.items())


class PooledConnection(Connection):
    """A connection behind a pooler.

    Args:
        limits: those that each statement sets; None: the role has them.
    """

    def __init__(
        self, driver: native.Connection, sock: socket.socket, generation: int, limits: Limits | None = None
    ) -> None:
        super().__init__(driver, sock, generation)
        self.begin_sql = BEGIN + (limits.as_commands() if limits else "")
        self._first = f"SELECT pg_is_in_recovery(){limits.as_expressions() if limits else ''}"

    def run(self, sql: str, seconds: float, **values: object) -> list[Row]:
        """Run a statement: one round trip.

        Raises:
            native.InterfaceError: the server is a standby.
        """
        self._socket.settimeout(seconds)
        statement, order = _translated(sql)
        (is_standby, *_), *rows = self._answer_to(statement, order(values))
        if is_standby:
            raise native.InterfaceError(STANDBY)
        return rows

    def _answer_to(self, statement: str, values: tuple[object, ...]) -> list[Row]:
        """Send two statements with one Sync, which makes them one transaction; return the rows of both."""
        driver, context = self._driver, core.Context(statement, columns=[])
        for text, parameters in ((self._first, ()), (statement, make_params(self._driver.py_types, values))):
            driver.send_PARSE(UNNAMED, text)
            driver.send_BIND(UNNAMED, parameters)
            driver._send_message(core.DESCRIBE, core.PORTAL + UNNAMED)
            driver.send_EXECUTE()
        driver._send_message(core.SYNC, b"")
        core._flush(driver._sock)
        try:
            driver.handle_messages(context)
        except AWAY as error:
            if context.error is None:
                raise
            raise native.InterfaceError(reason_of(context.error)) from error  # what the pooler said before it closed
        return cast("list[Row]", context.rows)

    def prove(self, seconds: float) -> None:
        """Run a statement: a pooler accepts logins while the server is away."""
        self.run("SELECT 1", seconds)


@functools.lru_cache(maxsize=256)
def _translated(sql: str) -> tuple[str, Callable[[Mapping[str, object]], tuple[object, ...]]]:
    """Return a statement with the server's placeholders, and what puts values into their order."""
    return cast("tuple[str, Callable[[Mapping[str, object]], tuple[object, ...]]]", native.to_statement(sql))


class Entrance:
    """Opens connections in the way that works here, which the first one finds out. Thread-safe."""

    def __init__(self, limits: Limits, *, prepares: bool = True) -> None:
        self.is_pooled: bool | None = None  # None: no connection was opened yet
        self._limits = limits
        self._prepares = prepares
        self._to_set: Limits | None = limits  # behind a pooler: what each statement sets

    def open(self, log_in: LogIn, generation: int) -> Connection:
        """Log in; raises what `log_in` raises."""
        driver, sock, is_refused = self._logged_in(log_in)
        try:
            if self.is_pooled is None or is_refused:
                self._find_out(driver, is_refused=is_refused)
        except BaseException:
            sock.close()
            raise
        if self.is_pooled:
            return PooledConnection(driver, sock, generation, self._to_set)
        return Connection(driver, sock, generation)

    def _logged_in(self, log_in: LogIn) -> tuple[native.Connection, socket.socket, bool]:
        """Log in with the limits as start-up parameters, or without, if they are refused."""
        if self.is_pooled:
            return *log_in({}), False
        try:
            return *log_in(self._limits.by_name), False
        except native.DatabaseError as error:
            if not is_parameter_refused(error, self._limits.by_name):
                raise
        return *log_in({}), True

    def _find_out(self, driver: native.Connection, *, is_refused: bool) -> None:
        rows = cast("list[tuple[int, str, int]]", driver.run(self._limits.query()))
        are_met = self._limits.are_met({name: value for _, name, value in rows})
        is_same_process = all(process == _named_process(driver) for process, *_ in rows)
        is_pooled = is_refused or not are_met or not is_same_process or not self._prepares
        if is_pooled and not self.is_pooled:
            source = "has from its role" if are_met else "carries"
            logger.info("PostgreSQL is behind a pooler: a statement is not prepared, and %s its time limits", source)
        self._to_set = None if are_met else self._limits
        self.is_pooled = is_pooled


def is_behind_pooler(driver: Any) -> bool:
    """Whether the server's process is another one than the login named: a pooler gives numbers of its own."""
    return _process(driver) != _named_process(driver)


def _named_process(driver: Any) -> int:
    """Return the number in the protocol's BackendKeyData."""
    return int.from_bytes((driver._backend_key_data or b"")[:4], "big", signed=True)


def shares_sessions(first: Any, second: Any) -> bool:
    """Whether a pooler lends a server's connection for a transaction, and not for a session.

    The second connection keeps the server's connection that the first one had used, or the first one gets another.
    """
    return any(_has_moved(first, second) for _ in range(MODE_TRIES))


def _has_moved(first: Any, second: Any) -> bool:
    used = _process(first)
    second.execute_simple("BEGIN")
    try:
        return _process(second) == used or _process(first) != used
    finally:
        second.execute_simple("ROLLBACK")


def _process(driver: Any) -> int:
    return int(driver.execute_simple(PROCESS).rows[0][0])
