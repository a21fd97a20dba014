"""Real stores with products in PostgreSQL, and the often read ones in Redis as the shop caches them."""

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from urllib.parse import urlsplit

import redis
from pg8000.native import Connection

from chalicelib.cache.entries import key_of
from chalicelib.product import Product
from tests.fixtures.entries import generation_of
from tests.fixtures.stores import Databases, running_postgres, running_redis
from tests.load.workloads import PRODUCTS, Workload

PREFIX = key_of(1).removesuffix("1")
RIVALS_PREFIX = "rival:"
BATCH = 10_000
ROWS = 1_000_000
"""More than all runs together can read."""


@dataclass(slots=True)
class Stock:
    """The stores."""

    database_url: str
    redis_url: str
    next_unread: int = PRODUCTS + 1
    next_new: int = ROWS + 1

    @property
    def environ(self) -> dict[str, str]:
        """The stores' URLs as settings."""
        return {"DATABASE_URL": self.database_url, "REDIS_URL": self.redis_url}

    def first_for(self, workload: Workload) -> int:
        """Return the first product's number for a workload."""
        return self.next_new if workload.creates else self.next_unread

    def spend(self, workload: Workload, products: int) -> None:
        """Record how many products a workload has read or created; no other run uses them."""
        if workload.creates:
            self.next_new += products
        elif workload.cold:
            self.next_unread += products

    def warm(self) -> None:
        """Fill the cache with the often read products only."""
        self.chill()
        with contextlib.closing(redis.Redis.from_url(self.redis_url)) as client:
            generation = generation_of(client)
            bodies = {number: _body(number) for number in range(1, PRODUCTS + 1)}
            client.mset({key_of(number): generation + body for number, body in bodies.items()})
            client.mset({f"{RIVALS_PREFIX}{number}": body for number, body in bodies.items()})

    def chill(self) -> None:
        """Delete all products from the cache, but keep the other keys: without them every write waits longer."""
        with contextlib.closing(redis.Redis.from_url(self.redis_url)) as client:
            keys = client.keys(f"{PREFIX}[0-9]*") + client.keys(f"{RIVALS_PREFIX}*")
            for begin in range(0, len(keys), BATCH):
                client.unlink(*keys[begin : begin + BATCH])


@contextlib.contextmanager
def stocked() -> Iterator[Stock]:
    """Run both stores with products in them."""
    with running_postgres() as postgres, running_redis() as cache:
        with Databases(postgres).fresh() as url:
            _fill(url)
            stock = Stock(url, cache.url)
            stock.warm()
            yield stock


def _body(number: int) -> bytes:
    return Product(number, "Samsung TV", Decimal(140)).to_json()


def _fill(database_url: str) -> None:
    url = urlsplit(database_url)
    database = Connection(
        url.username or "", host=url.hostname, port=url.port, password=url.password, database=url.path.strip("/")
    )
    with contextlib.closing(database):
        database.run(f"INSERT INTO products SELECT n, 'Samsung TV', 140 FROM generate_series(1, {ROWS}) n")
        database.run("ANALYZE products")
