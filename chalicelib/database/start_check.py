"""Whether the database can be used as it is: migrated, and behind no pooler that forbids transactions.

A database that was not migrated fails requests with 503 and, until it has worked once in this process, makes `/readyz`
503. Later errors do not: a right that is taken away by mistake must not take every task out of service.
"""

import logging
import threading
import time
from collections.abc import Callable

from pg8000 import native

from chalicelib.errors import DatabaseUnavailableError

logger = logging.getLogger("shop")

CHECK_SECONDS = 2.0
"""How long the check may delay the start. It goes on after that, without stopping the start any more."""

RETRY_SECONDS = 0.5
LOG_SECONDS = 5.0

STATEMENT_MODE = (
    "DATABASE_URL names a pooler in statement mode, which forbids transactions: set its pool_mode to transaction or"
    " session"
)


class NotMigratedError(DatabaseUnavailableError):
    """The database lacks a table, a column or a right that this version needs."""

    is_logged = True

    def __init__(self, reason: str) -> None:
        super().__init__(f"{reason}; migrate the database: python -m chalicelib.migrate")


class Schema:
    """Whether the database has what this version needs. Thread-safe.

    Args:
        try_read: reads products; raises DatabaseUnavailableError if that fails.
    """

    def __init__(self, try_read: Callable[[], object]) -> None:
        self.has_worked = False  # any statement, since the start
        self._try_read = try_read
        self._lock = threading.Lock()
        self._waits = False
        self._closed = threading.Event()
        self._next_log = 0.0

    @property
    def is_missing(self) -> bool:
        """Whether something was missing, and nothing has worked."""
        return self._waits and not self.has_worked

    def record(self, error: NotMigratedError) -> None:
        """Log the error, at most every 5 s; if nothing has worked so far, ask until something does."""
        with self._lock:
            self._log(error)
            begins = not self.has_worked and not self._waits
            self._waits = self._waits or begins
        if begins:
            threading.Thread(target=self._wait, name="wait-for-migration", daemon=True).start()

    def close(self) -> None:
        """Ask no more."""
        self._closed.set()

    def _wait(self) -> None:
        while not self.has_worked:
            if self._closed.wait(RETRY_SECONDS):
                return
            try:
                self._try_read()
            except (DatabaseUnavailableError, native.DatabaseError):
                continue
            self.has_worked = True
        logger.warning("The database is migrated")

    def _log(self, error: NotMigratedError) -> None:
        now = time.monotonic()
        if now >= self._next_log:
            self._next_log = now + LOG_SECONDS
            logger.error("%s", error)


def run_briefly(check: Callable[[], str | None]) -> str | None:
    """Return what the check returns, or None if it takes longer than CHECK_SECONDS or the database is unavailable."""
    found: list[str | None] = []

    def run() -> None:
        try:
            found.append(check())
        except (DatabaseUnavailableError, native.DatabaseError) as error:
            logger.info("PostgreSQL was not checked at the start: %s", error)

    checking = threading.Thread(target=run, name="check-database", daemon=True)
    checking.start()
    checking.join(CHECK_SECONDS)
    return found[0] if found else None
