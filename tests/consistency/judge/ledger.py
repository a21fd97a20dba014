"""The database's record of the values committed to each product, in their order.

A trigger writes it in the transaction that changes the product, under the lock of the product's row. So the entries of
a product are in the order of their commits, and a write of unknown outcome has an entry exactly if it was committed.
"""

import contextlib
from collections.abc import Iterable, Iterator

from pg8000.native import Connection

from chalicelib.settings import read_settings
from tests.consistency.judge.history import ABSENT, Order, Value

_INSTALL = """
CREATE TABLE ledger (position BIGSERIAL PRIMARY KEY, product INT NOT NULL, value INT NOT NULL);

CREATE FUNCTION enter() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO ledger (product, value) VALUES (COALESCE(NEW.id, OLD.id), COALESCE(NEW.price, 0));
    RETURN NULL;
END $$;

CREATE TRIGGER ledger AFTER INSERT OR UPDATE OR DELETE ON products FOR EACH ROW EXECUTE FUNCTION enter();
"""


class Ledger:
    """The record in one database. The price of a product is its value."""

    def __init__(self, database_url: str) -> None:
        self._url = database_url

    def install(self) -> None:
        """Record from now on."""
        with self._connected() as database:
            for statement in _INSTALL.split("\n\n"):
                database.run(statement)

    def fill(self, products: Iterable[tuple[int, Value]]) -> None:
        """Insert products into the database directly."""
        with self._connected() as database:
            for id, value in products:
                database.run("INSERT INTO products VALUES (:id, :name, :value)", id=id, name=f"v{value}", value=value)

    def order(self) -> Order:
        """Return the committed values so far."""
        order: dict[int, list[Value]] = {}
        with self._connected() as database:
            for product, value in database.run("SELECT product, value FROM ledger ORDER BY position"):
                order.setdefault(product, []).append(value)
        return order

    def rows(self, products: Iterable[int]) -> dict[int, Value]:
        """Return the current values of the products."""
        with self._connected() as database:
            values = dict(database.run("SELECT id, CAST(price AS INT) FROM products"))
        return {product: values.get(product, ABSENT) for product in products}

    @contextlib.contextmanager
    def _connected(self) -> Iterator[Connection]:
        settings = read_settings({"DATABASE_URL": self._url, "REDIS_URL": "redis://unused"})
        address, login = settings.database, settings.database_credentials
        connection = Connection(
            login.username,
            host=address.host,
            port=address.port,
            password=login.password,
            database=address.database,
            timeout=30,
            ssl_context=False,
        )
        try:
            yield connection
        finally:
            connection.close()
