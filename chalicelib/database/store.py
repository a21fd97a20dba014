"""The products in PostgreSQL: `ports.ProductStore` over pg8000.

What must hold: a read is one round trip, and so is a write: one statement, committed by itself. A removal is not sent
again where it may have been run. A conditional write takes three: BEGIN, one statement that shows what stood there,
COMMIT. Nothing is acknowledged that the database has not said to be committed.
"""

from collections.abc import Sequence

from chalicelib.database.connection_pool import ConnectionPool
from chalicelib.database.pool import SessionPool, Timeouts
from chalicelib.database.session import Connection, Row, Session
from chalicelib.errors import DatabaseUnavailableError
from chalicelib.ports import Check
from chalicelib.product import Product
from chalicelib.settings import DatabaseAddress
from chalicelib.stores.circuit_breaker import CircuitBreaker
from chalicelib.stores.credentials import CredentialSource
from chalicelib.stores.instrumentation import Instrumentation, NoInstrumentation

READ = "SELECT id, name, price FROM products WHERE id = :id"

PAGE = "SELECT id, name, price FROM products WHERE id > :after ORDER BY id LIMIT :limit"

# Inserts, or returns what stands there. Returns no row at all where another transaction has taken the id since this
# statement began: then it must be run again, to see that product, unless that is removed meanwhile.
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

REPLACE = "UPDATE products SET name = :name, price = :price WHERE id = :id RETURNING id"

# The subquery's lock waits for whoever is changing the row, and then sees what they committed.
REPLACE_SHOWING = """
UPDATE products SET name = :name, price = :price
FROM (SELECT id, name, price FROM products WHERE id = :id FOR UPDATE) AS old
WHERE products.id = old.id
RETURNING old.id, old.name, old.price
"""

REMOVE = "DELETE FROM products WHERE id = :id RETURNING id"


class PostgresStore:
    """The table `products`. Safe to share by threads; opens its first connection when it is first asked."""

    def __init__(
        self,
        address: DatabaseAddress,
        credentials: CredentialSource,
        pool_size: int,
        timeouts: Timeouts = Timeouts(),  # noqa: B008 - frozen
        watch: Instrumentation = NoInstrumentation(),  # noqa: B008 - holds nothing
    ) -> None:
        self._sessions = SessionPool(address, credentials, pool_size, timeouts, watch)

    @property
    def pool(self) -> ConnectionPool[Connection]:
        """The connections: `checkedout()` in use, `checkedin()` idle, `size()` at most."""
        return self._sessions.connections

    @property
    def breaker(self) -> CircuitBreaker:
        """Knows whether the database is away."""
        return self._sessions.breaker

    def read(self, product_id: int) -> Product | None:
        """Return the product, or None."""
        return _product_in(self._sessions.read(lambda session: session.run(READ, id=product_id)))

    def page(self, after: int, limit: int) -> Sequence[Product]:
        """Return at most `limit` products with an id above `after`, in the order of their ids."""
        rows = self._sessions.read(lambda session: session.run(PAGE, after=after, limit=limit))
        return [Product(*row) for row in rows]

    def create(self, product: Product) -> Product | None:
        """Store the product where its id is free and return None; else return what is there, unchanged."""
        for _ in range(CREATE_TRIES):
            for created, *stored in self._write_at_once(CREATE, product):
                return None if created else Product(*stored)
        raise DatabaseUnavailableError(f"product {product.id} is created and removed by others over and over")

    def replace(self, product: Product) -> bool:
        """Overwrite the product under that id; return False where there is none."""
        return bool(self._write_at_once(REPLACE, product))

    def replace_if(self, product: Product, check: Check) -> bool:
        """Overwrite the product where `check` agrees to what is there; return False where there is none."""

        def work(session: Session) -> bool:
            stored = _product_in(session.run(REPLACE_SHOWING, id=product.id, name=product.name, price=product.price))
            if stored is not None:
                check(stored)
            return stored is not None

        return self._sessions.write(work)

    def remove(self, product_id: int) -> bool:
        """Delete the product; return False where there is none."""
        return bool(self._sessions.write_at_once(REMOVE, is_idempotent=False, id=product_id))

    def _write_at_once(self, sql: str, product: Product) -> list[Row]:
        return self._sessions.write_at_once(
            sql, is_idempotent=True, id=product.id, name=product.name, price=product.price
        )

    def close(self) -> None:
        """Close the connections: idle ones at once, others as they come back."""
        self._sessions.close()


def _product_in(rows: list[Row]) -> Product | None:
    return Product(*rows[0]) if rows else None
