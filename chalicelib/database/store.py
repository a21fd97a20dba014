"""The products in PostgreSQL: `ports.ProductStore` over pg8000.

A read is one round trip, and so is a write: one statement that commits by itself. A write with a condition takes three:
BEGIN, one statement that returns the old row, COMMIT. A write is acknowledged only after the database has committed it.
"""

import functools
import logging
from collections.abc import Callable, Sequence
from typing import ParamSpec, TypeVar

from chalicelib.database.connection_pool import ConnectionPool
from chalicelib.database.pool import SessionPool, Timeouts
from chalicelib.database.session import Connection, DeadConnectionError, RefusedStatementError, Row
from chalicelib.database.start_check import STATEMENT_MODE, Schema, run_briefly
from chalicelib.database_url import DatabaseAddress
from chalicelib.errors import DatabaseUnavailableError
from chalicelib.ports import Check
from chalicelib.product import Product
from chalicelib.settings import SettingsError
from chalicelib.stores.circuit_breaker import CircuitBreaker
from chalicelib.stores.credentials import CredentialSource
from chalicelib.stores.instrumentation import Instrumentation, NoInstrumentation

logger = logging.getLogger(__name__)

Arguments = ParamSpec("Arguments")
Answer = TypeVar("Answer")

READ = "SELECT id, name, price FROM products WHERE id = :id"

PAGE = "SELECT id, name, price FROM products WHERE id > :after ORDER BY id LIMIT :limit"

# Inserts the product, or returns the one that has its id. Returns no row if another transaction has taken the id since
# this statement began: running it again finds that product, unless it was removed in between.
CREATE = """
WITH created AS (
    INSERT INTO products (id, name, price)
    VALUES (CAST(:id AS INT), CAST(:name AS TEXT), CAST(:price AS NUMERIC))
    ON CONFLICT (id) DO NOTHING
    RETURNING id
)
SELECT true AS created, id, NULL AS name, NULL AS price FROM created
UNION ALL
SELECT false, id, name, price FROM products WHERE id = CAST(:id AS INT) AND NOT EXISTS (SELECT FROM created)
"""
CREATE_TRIES = 5
TRANSACTION_TRIES = 2

REPLACE = "UPDATE products SET name = :name, price = :price WHERE id = :id RETURNING id"

# FOR UPDATE waits for a transaction that is changing the row, and then reads what it committed.
REPLACE_RETURNING_OLD = """
UPDATE products SET name = :name, price = :price
FROM (SELECT id, name, price FROM products WHERE id = :id FOR UPDATE) AS old
WHERE products.id = old.id
RETURNING old.id, old.name, old.price
"""

REMOVE = "DELETE FROM products WHERE id = :id RETURNING id, name, price"


def retried(operation: Callable[Arguments, Answer]) -> Callable[Arguments, Answer]:
    """Run an idempotent operation again if its connection turns out dead; the database may have run it before."""
    return _retried_after(DeadConnectionError, operation)


def retried_if_not_run(operation: Callable[Arguments, Answer]) -> Callable[Arguments, Answer]:
    """Run an operation again if its connection turns out dead and the database said that it has not run it."""
    return _retried_after(RefusedStatementError, operation)


def _retried_after(
    error: type[DeadConnectionError], operation: Callable[Arguments, Answer]
) -> Callable[Arguments, Answer]:
    @functools.wraps(operation)
    def with_retry(*args: Arguments.args, **kwargs: Arguments.kwargs) -> Answer:
        try:
            return operation(*args, **kwargs)
        except error as dead:
            _log_retry(dead)
        return operation(*args, **kwargs)

    return with_retry


def _log_retry(dead: DeadConnectionError) -> None:
    logger.info("An idle database connection was dead; trying a new one: %s", dead)


class PostgresStore:
    """The table `products`. Thread-safe. Making it opens no connection."""

    def __init__(
        self,
        address: DatabaseAddress,
        credentials: CredentialSource,
        pool_size: int,
        timeouts: Timeouts = Timeouts(),  # noqa: B008 - frozen
        instrumentation: Instrumentation = NoInstrumentation(),  # noqa: B008 - has no state
    ) -> None:
        schema = Schema(lambda: self.page(0, 1))
        self._sessions = SessionPool(address, credentials, pool_size, timeouts, instrumentation, schema)

    @property
    def pool(self) -> ConnectionPool[Connection]:
        """The connections, for the metrics."""
        return self._sessions.connections

    @property
    def breaker(self) -> CircuitBreaker:
        """The circuit breaker of the database, for the metrics."""
        return self._sessions.breaker

    @property
    def is_migrated(self) -> bool:
        """False until this version has worked with the database, if the database was found not to be migrated."""
        return not self._sessions.schema.is_missing

    def start_check(self) -> None:
        """Find out what stands between the service and its tables, and log it.

        Raises:
            SettingsError: a pooler in statement mode.
        """
        if error := run_briefly(self._wrong_pooler):
            raise SettingsError(error)

    def _wrong_pooler(self) -> str | None:
        """Return what is wrong if statements work and transactions never do; raises DatabaseUnavailableError."""
        for _ in range(TRANSACTION_TRIES):
            self.page(0, 1)
            if not self._sessions.entrance.is_pooled or self._transactions_work():
                return None
        self.page(0, 1)
        return STATEMENT_MODE

    def _transactions_work(self) -> bool:
        """Whether a transaction can be begun: in statement mode, PgBouncer then ends the connection."""
        try:
            with self._sessions.transaction() as session:
                session.run(READ, id=0)
        except DatabaseUnavailableError:
            return False
        return True

    @retried
    def read(self, product_id: int) -> Product | None:
        with self._sessions.session() as session:
            return _product_in(session.run(READ, id=product_id))

    @retried
    def page(self, after: int, limit: int) -> Sequence[Product]:
        with self._sessions.session() as session:
            return [Product(*row) for row in session.run(PAGE, after=after, limit=limit)]

    def create(self, product: Product) -> Product | None:
        for _ in range(CREATE_TRIES):
            for created, *stored in self._write(CREATE, product, lambda rows: _holds(rows, product)):
                return None if created else Product(*stored)
        raise DatabaseUnavailableError(f"product {product.id} is created and removed by others over and over")

    def replace(self, product: Product) -> bool:
        return bool(self._write(REPLACE, product, bool))

    def _write(self, sql: str, product: Product, is_done: Callable[[list[Row]], bool]) -> list[Row]:
        """Run a statement that commits by itself, and again if its connection turns out dead.

        Raises:
            DatabaseUnavailableError: the database may have run it the first time, and did not do it the second time.
                Another writer may have changed the product in between, so whether it was written is not known.
        """
        try:
            return self._write_once(sql, product)
        except DeadConnectionError as dead:
            _log_retry(dead)
            has_not_run = isinstance(dead, RefusedStatementError)
        rows = self._write_once(sql, product)
        if has_not_run or is_done(rows):
            return rows
        raise DatabaseUnavailableError(f"product {product.id} may have been written, and changed by others since")

    def _write_once(self, sql: str, product: Product) -> list[Row]:
        with self._sessions.session() as session:
            return session.run(sql, id=product.id, name=product.name, price=product.price)

    @retried
    def replace_if(self, product: Product, check: Check) -> bool:
        with self._sessions.transaction() as session:
            values = {"id": product.id, "name": product.name, "price": product.price}
            return _checked(_product_in(session.run(REPLACE_RETURNING_OLD, **values)), check)

    @retried_if_not_run  # if the database has removed the product, a second try would find none and answer 404
    def remove(self, product_id: int) -> bool:
        with self._sessions.session() as session:
            return bool(session.run(REMOVE, id=product_id))

    @retried
    def remove_if(self, product_id: int, check: Check) -> bool:
        with self._sessions.transaction() as session:
            return _checked(_product_in(session.run(REMOVE, id=product_id)), check)

    def close(self) -> None:
        """Close idle connections now, and lent ones when they are returned."""
        self._sessions.close()


def _holds(rows: list[Row], product: Product) -> bool:
    """Return whether the rows of CREATE say that the product is stored as it should be."""
    return any(created or Product(*stored) == product for created, *stored in rows)


def _checked(stored: Product | None, check: Check) -> bool:
    """Return whether there was a product, once `check` has accepted it."""
    if stored is not None:
        check(stored)
    return stored is not None


def _product_in(rows: list[Row]) -> Product | None:
    return Product(*rows[0]) if rows else None
