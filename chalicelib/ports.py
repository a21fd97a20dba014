"""The interfaces of the store and of the cache, as the catalog uses them.

`database.store` and `cache.read_through` implement these; `chalicelib.bootstrap` joins them.
"""

from collections.abc import Callable, Sequence
from enum import StrEnum
from typing import NamedTuple, Protocol

from chalicelib.product import Product


class CacheResult(StrEnum):
    """How a read was answered: the values of `X-Cache`."""

    HIT = "hit"
    MISS = "miss"
    BYPASS = "bypass"


class AuditResult(StrEnum):
    """The result of one audit."""

    MATCH = "match"
    MISMATCH = "mismatch"  # the cache was wrong; the entry was deleted
    CHANGED = "changed"  # the entry was replaced meanwhile: no result
    UNKNOWN = "unknown"  # a store did not answer


class Reading(NamedTuple):
    """A read's answer: the product's JSON, or None where there is no such product."""

    body: bytes | None
    result: CacheResult


Load = Callable[[], bytes | None]
"""Reads a product's JSON from the database; None: there is no such product."""


class Fence(Protocol):
    """Protects the readers of one product from old values during one write."""

    def raise_(self) -> None:
        """Stop readers from storing the old value, and wait until copies have expired; called before the statement.

        Raises CacheUnavailableError: nothing must then be written.
        """

    def publish(self, body: bytes | None) -> None:
        """Store the new value (None: the product is gone); called after the commit.

        Raises CacheUnavailableError: the write must then not be acknowledged.
        """

    def lower(self) -> None:
        """Allow readers to store again; called if nothing was written."""


class ProductCache(Protocol):
    """A read-through cache of products' JSON."""

    def read(self, product_id: int, load: Load) -> Reading:
        """Return the cached product, or `load` and store it. An unavailable cache is no error."""

    def read_from_memory(self, product_id: int) -> Reading | None:
        """Return the copy in this task's memory; None: there is none."""

    async def read_from_loop(self, product_id: int) -> Reading | None:
        """Return the cached product without blocking; None: call `read`."""

    def fence(self, product_id: int) -> Fence:
        """Begin a write of one product. Raises CacheUnavailableError if the cache is known to be down."""


Check = Callable[[Product], None]
"""Checks the stored product before a conditional write, with its row locked; an exception undoes the write."""


class ProductStore(Protocol):
    """The products, durable. Every method raises DatabaseUnavailableError when the database cannot answer."""

    @property
    def is_migrated(self) -> bool:
        """Whether the database has what this version needs, or that is not known yet."""

    def start_check(self) -> None:
        """Find out at the start what stands between the service and the products; raises SettingsError."""

    def read(self, product_id: int) -> Product | None:
        """Return the product, or None."""

    def page(self, after: int, limit: int) -> Sequence[Product]:
        """Return at most `limit` products with an id above `after`, in the order of their ids."""

    def create(self, product: Product) -> Product | None:
        """Store the product if its id is free and return None; otherwise return the stored one."""

    def replace(self, product: Product) -> bool:
        """Overwrite the product with that id; return False if there is none."""

    def replace_if(self, product: Product, check: Check) -> bool:
        """Overwrite the product if `check` accepts the stored one; return False if there is none."""

    def remove(self, product_id: int) -> bool:
        """Delete the product; return False if there is none."""

    def remove_if(self, product_id: int, check: Check) -> bool:
        """Delete the product if `check` accepts the stored one; return False if there is none."""
