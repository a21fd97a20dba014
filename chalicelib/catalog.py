"""The shop's one subject: reading, creating, replacing, removing and listing products.

A read comes from the cache if possible. A write raises its fence before it uses the store, so it holds no connection
while the fence waits. It is acknowledged when both PostgreSQL and Redis have it.
"""

import json
from collections.abc import Callable
from typing import TypeVar

from chalicelib.errors import ConflictError, NotFoundError, PreconditionFailedError
from chalicelib.ports import Check, ProductCache, ProductStore, Reading
from chalicelib.product import MAX_ID, Product

T = TypeVar("T")


class Catalog:
    """The products, through a store and a cache. Thread-safe if they are.

    Every method raises ServiceUnavailableError if a store that it needs is unavailable.
    """

    def __init__(self, store: ProductStore, cache: ProductCache) -> None:
        self._store = store
        self._cache = cache

    @property
    def is_ready(self) -> bool:
        """False while the database is known not to be migrated."""
        return self._store.is_migrated

    def start_check(self) -> None:
        """Check the store before the first request; raises SettingsError if the settings must change."""
        self._store.start_check()

    def read(self, product_id: int) -> Reading:
        """Return a product's JSON (None: there is no such product) and whether it came from the cache."""
        return self._cache.read(product_id, lambda: load_json(self._store, product_id))

    def read_from_memory(self, product_id: int) -> Reading | None:
        """Read from this task's memory; None: the product is not there."""
        return self._cache.read_from_memory(product_id)

    async def read_from_loop(self, product_id: int) -> Reading | None:
        """Read from the cache only, in an event loop; None: call `read`."""
        return await self._cache.read_from_loop(product_id)

    def create(self, product: Product) -> bool:
        """Store a new product; return False if the same product is stored already, so that a retry is safe.

        Raises:
            ConflictError: another product has that id.
        """

        def change() -> bool:
            stored = self._store.create(product)
            if stored is not None and stored != product:
                raise ConflictError(f"another product is stored under id {product.id}")
            return stored is None

        return self._write(product.id, product.to_json(), change)

    def replace(self, product: Product, check: Check | None) -> None:
        """Overwrite the product with this id, if `check` accepts the stored one.

        Raises:
            NotFoundError: there is none.
            PreconditionFailedError: `check` refuses the stored product.
        """

        def change() -> None:
            found = self._store.replace(product) if check is None else self._store.replace_if(product, check)
            if not found:
                raise _not_found(product.id)

        self._write(product.id, product.to_json(), change)

    def remove(self, product_id: int, check: Check | None) -> None:
        """Delete a product, if `check` accepts the stored one.

        Raises:
            NotFoundError: there is none.
            PreconditionFailedError: `check` refuses the stored product.
        """

        def change() -> None:
            found = self._store.remove(product_id) if check is None else self._store.remove_if(product_id, check)
            if not found:
                raise _not_found(product_id)

        self._write(product_id, None, change)

    def _write(self, product_id: int, body: bytes | None, change: Callable[[], T]) -> T:
        """Change the store between raising the fence and publishing; if the store refuses, lower the fence."""
        fence = self._cache.fence(product_id)
        fence.raise_()
        try:
            result = change()
        except (ConflictError, NotFoundError, PreconditionFailedError):
            fence.lower()
            raise
        fence.publish(body)
        return result

    def page(self, after: int, limit: int) -> bytes:
        """Return the JSON of `limit` products with ids above `after`, and the `after` of the next page."""
        products = self._store.page(after, limit + 1) if after < MAX_ID else []
        shown, more = products[:limit], len(products) > limit
        following = json.dumps(shown[-1].id if more else None).encode()
        return b'{"products":[' + b",".join(each.to_json() for each in shown) + b'],"next":' + following + b"}"


def load_json(store: ProductStore, product_id: int) -> bytes | None:
    """Read a product's JSON from the store; None: there is no such product."""
    product = store.read(product_id)
    return product.to_json() if product else None


def _not_found(product_id: int) -> NotFoundError:
    return NotFoundError(f"there is no product {product_id}")
