"""What the catalog needs of a store and of a cache, in the catalog's own words.

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
    """What a second look showed."""

    MATCH = "match"
    MISMATCH = "mismatch"  # the cache was wrong; the entry was deleted
    CHANGED = "changed"  # something else stands there by now: nothing can be said
    UNKNOWN = "unknown"  # a store was away


class Reading(NamedTuple):
    """A read's answer: the product's JSON, or None where there is no such product."""

    body: bytes | None
    result: CacheResult


Load = Callable[[], bytes | None]
"""Reads a product's JSON from the database; None: there is no such product."""


class Fence(Protocol):
    """One write's promise to the readers of one product, from before its statement until it is acknowledged."""

    def raise_(self) -> None:
        """Keep readers from storing the old value, and wait until none is answered from memory; called first.

        Raises CacheUnavailableError: nothing must then be written.
        """

    def publish(self, body: bytes | None) -> None:
        """Let readers see the new value (None: it is gone); called once it is committed.

        Raises CacheUnavailableError: the write must then not be acknowledged.
        """

    def lower(self) -> None:
        """Let readers store again, since nothing was written."""


class ProductCache(Protocol):
    """A read-through cache of products' JSON."""

    def read(self, product_id: int, load: Load) -> Reading:
        """Answer from the cache, or `load` from the database and remember. A cache that is away is no error."""

    def read_from_memory(self, product_id: int) -> Reading | None:
        """Answer from this task's memory; None: it is not there."""

    async def read_from_loop(self, product_id: int) -> Reading | None:
        """Answer from the cache alone, without a thread; None: `read` has to be called."""

    def fence(self, product_id: int) -> Fence:
        """Begin a write of one product. Raises CacheUnavailableError where the cache is known to be away."""


Check = Callable[[Product], None]
"""Looks at the product as it stood before a conditional write, its row locked; what it raises undoes the write."""


class ProductStore(Protocol):
    """The products, durable. Every method raises DatabaseUnavailableError when the database cannot answer."""

    def read(self, product_id: int) -> Product | None:
        """Return the product, or None."""

    def page(self, after: int, limit: int) -> Sequence[Product]:
        """Return at most `limit` products with an id above `after`, in the order of their ids."""

    def create(self, product: Product) -> Product | None:
        """Store the product where its id is free and return None; else return what is there, unchanged."""

    def replace(self, product: Product) -> bool:
        """Overwrite the product under that id; return False where there is none."""

    def replace_if(self, product: Product, check: Check) -> bool:
        """Overwrite the product where `check` agrees to what is there; return False where there is none."""

    def remove(self, product_id: int) -> bool:
        """Delete the product; return False where there is none."""
