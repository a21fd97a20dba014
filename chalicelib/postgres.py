"""The products in PostgreSQL: `ports.ProductStore` over pg8000.

What must hold: a read is one round trip, a write three (BEGIN, one statement, COMMIT); each write's one statement
locks the row and tells what stood there, so that writers of one product take turns; `before_commit` runs between
that statement and COMMIT; nothing is acknowledged whose COMMIT was not.
"""

from collections.abc import Callable, Sequence

from sqlalchemy.pool import QueuePool

from chalicelib.credentials import CredentialSource
from chalicelib.guard import Guard
from chalicelib.pool import Row, Session, SessionPool, Timeouts
from chalicelib.ports import BeforeCommit
from chalicelib.product import Product
from chalicelib.settings import DatabaseAddress
from chalicelib.watch import Unwatched, Watch

READ = "SELECT id, name, price FROM products WHERE id = :id"

PAGE = "SELECT id, name, price FROM products WHERE id > :after ORDER BY id LIMIT :limit"

# Locks and returns what stands there, or inserts. Returns no row at all where another transaction has taken the id
# since this statement began: then it must be run again, to see that product.
CREATE = """
WITH stored AS (
    SELECT id, name, price FROM products WHERE id = :id FOR UPDATE
), created AS (
    INSERT INTO products (id, name, price)
    SELECT CAST(:id AS INT), CAST(:name AS TEXT), CAST(:price AS NUMERIC)
    WHERE NOT EXISTS (SELECT FROM stored)
    ON CONFLICT (id) DO NOTHING
    RETURNING id
)
SELECT false AS created, id, name, price FROM stored
UNION ALL
SELECT true, id, NULL, NULL FROM created
"""

# The subquery's lock waits for whoever is changing the row, and then sees what they committed.
REPLACE = """
UPDATE products SET name = :name, price = :price
FROM (SELECT id, name, price FROM products WHERE id = :id FOR UPDATE) AS old
WHERE products.id = old.id
RETURNING old.id, old.name, old.price
"""

REMOVE = "DELETE FROM products WHERE id = :id RETURNING id, name, price"


class PostgresStore:
    """The table `products`. Safe to share by threads; opens its first connection when it is first asked."""

    def __init__(
        self,
        address: DatabaseAddress,
        credentials: CredentialSource,
        pool_size: int,
        timeouts: Timeouts = Timeouts(),  # noqa: B008 - frozen
        watch: Watch = Unwatched(),  # noqa: B008 - holds nothing
    ) -> None:
        self._sessions = SessionPool(address, credentials, pool_size, timeouts, watch)

    @property
    def pool(self) -> QueuePool:
        """The connections: `checkedout()` in use, `checkedin()` idle, `size()` at most."""
        return self._sessions.queue

    @property
    def guard(self) -> Guard:
        """Knows whether the database is away."""
        return self._sessions.guard

    def read(self, product_id: int) -> Product | None:
        """Return the product, or None."""
        return _product_in(self._sessions.read(lambda session: session.run(READ, id=product_id)))

    def page(self, after: int, limit: int) -> Sequence[Product]:
        """Return at most `limit` products with an id above `after`, in the order of their ids."""
        rows = self._sessions.read(lambda session: session.run(PAGE, after=after, limit=limit))
        return [Product(*row) for row in rows]

    def create(self, product: Product, before_commit: BeforeCommit) -> bool:
        """Store the product where its id is free, else leave what is there; return whether the id was free."""

        def work(session: Session) -> bool:
            created, *stored = _created_or_stored(session, product)
            before_commit(None if created else Product(*stored))
            return bool(created)

        return self._sessions.write(work)

    def replace(self, product: Product, before_commit: BeforeCommit) -> bool:
        """Overwrite the product under that id; return False, without `before_commit`, where there is none."""
        return self._change(
            lambda session: session.run(REPLACE, id=product.id, name=product.name, price=product.price), before_commit
        )

    def remove(self, product_id: int, before_commit: BeforeCommit) -> bool:
        """Delete the product; return False, without `before_commit`, where there is none."""
        return self._change(lambda session: session.run(REMOVE, id=product_id), before_commit)

    def close(self) -> None:
        """Close the connections: idle ones at once, others as they come back."""
        self._sessions.close()

    def _change(self, statement: Callable[[Session], list[Row]], before_commit: BeforeCommit) -> bool:
        """Run a statement that returns the row as it was before, and `before_commit` with it where there was one."""

        def work(session: Session) -> bool:
            old = _product_in(statement(session))
            if old is not None:
                before_commit(old)
            return old is not None

        return self._sessions.write(work)


def _created_or_stored(session: Session, product: Product) -> Row:
    """Run CREATE until it says who has the id: `[True, ...]`, or `[False, id, name, price]`."""
    while True:  # ends with the session's time, should others create and remove the product over and over
        rows = session.run(CREATE, id=product.id, name=product.name, price=product.price)
        if rows:
            return rows[0]


def _product_in(rows: list[Row]) -> Product | None:
    return Product(*rows[0]) if rows else None
