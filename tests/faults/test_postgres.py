"""Under load: PostgreSQL fails over, runs out of connections, or refuses writes."""

import time
from contextlib import ExitStack

import httpx
from pg8000.native import Connection

from chalicelib.database.migrate import migrate
from tests.faults.conftest import stock
from tests.faults.load import Load, assert_unavailable, page, readers, wait_until, writers
from tests.fixtures.servers import Server, serving
from tests.fixtures.stores import OwnPostgres, OwnRedis, running_postgres
from tests.fixtures.wire import Network


def admin(postgres: OwnPostgres) -> Connection:
    """Connect as the owner of the server."""
    at = postgres.address
    return Connection(
        at.user, host=at.host, port=at.port, password=at.password, database=at.database, ssl_context=False
    )


def test_after_a_failover_reads_and_writes_work(own_postgres: OwnPostgres, own_redis: OwnRedis) -> None:
    with ExitStack() as stack:
        standby = stack.enter_context(running_postgres())
        for each in (own_postgres, standby):
            migrate(each.address.url)
        same_password(own_postgres, standby)
        proxy = stack.enter_context(Network()).proxy(own_postgres.address.port)
        url = own_postgres.address.url.replace(f":{own_postgres.address.port}/", f":{proxy.port}/")
        server = stack.enter_context(serving({"DATABASE_URL": url, "REDIS_URL": own_redis.url, "API_KEYS": "none"}))
        shop = stack.enter_context(httpx.Client(base_url=server.url, timeout=10))
        stock(shop)
        with readers(server.url, clients=2) as reads:  # more would slow down the proxy, which runs in this process
            reads.wait_for(100)
            own_postgres.kill()
            proxy.fail_over(standby.address.port)
            wait_until(lambda: shop.put("/product/1", json={"name": "TV", "price": 1}).status_code == 404)
            stock(shop)  # this test's standby has no products
            back = time.monotonic()
            reads.wait_for(200)
        assert set(reads.statuses()) <= {200, 404, 503}
        assert set(reads.statuses(back)) == {200}, server.complaints()
        assert shop.put("/product/1", json={"name": "TV", "price": 2}).status_code == 200


def same_password(primary: OwnPostgres, standby: OwnPostgres) -> None:
    with admin(standby) as connection:
        connection.run(f"ALTER USER {primary.address.user} PASSWORD '{primary.address.password}'")


def test_four_tasks_share_ten_connections_without_an_error(own_postgres: OwnPostgres, own_redis: OwnRedis) -> None:
    migrate(own_postgres.address.url)
    with admin(own_postgres) as connection:
        connection.run("ALTER SYSTEM SET max_connections = 10")
    own_postgres.stop()
    own_postgres.start()
    environ = {"DATABASE_URL": own_postgres.address.url, "REDIS_URL": own_redis.url, "API_KEYS": "none"}
    with ExitStack() as stack:
        urls = [stack.enter_context(serving(environ)).url for _ in range(4)]
        shop = stack.enter_context(httpx.Client(base_url=urls[0], timeout=10))
        wait_until(lambda: shop.get("/products").status_code == 200)
        stock(shop)
        with readers(*urls, clients=8) as reads, writers(*urls, clients=16) as writes:
            own_redis.stop()  # every read needs PostgreSQL now
            reads.wait_for(300)
            own_redis.start()
            writes.wait_for(100)
        assert set(reads.statuses()) <= {200, 503}
        assert set(writes.statuses()) <= {200, 503}
        wait_until(lambda: shop.put("/product/1", json={"name": "TV", "price": 2}).status_code == 200)


def test_a_primary_that_refuses_writes_still_reads(
    server: Server, shop: httpx.Client, own_postgres: OwnPostgres
) -> None:
    with Load([server.url], page, 4) as reads, writers(server.url) as writes:
        writes.wait_for(20)
        refuse_writes(own_postgres, "= on")
        wait_until(lambda: shop.put("/product/1", json={"name": "TV", "price": 1}).status_code == 503)
        refused = time.monotonic()
        reads.wait_for(100)
        writes.wait_for(50)
        assert set(writes.statuses(refused)) == {503}
        assert_unavailable(shop.put("/product/1", json={"name": "TV", "price": 1}))
        assert 'store_up{store="postgres"} 1.0' in shop.get("/metrics").text
        refuse_writes(own_postgres, "= off")
        wait_until(lambda: shop.put("/product/1", json={"name": "TV", "price": 1}).status_code == 200)
        back = time.monotonic()
        writes.wait_for(50)
    assert set(reads.statuses()) == {200}, server.complaints()
    assert set(writes.statuses(back)) == {200}, server.complaints()
    assert "Traceback" not in server.output()


def refuse_writes(postgres: OwnPostgres, setting: str) -> None:
    """Make the server refuse writes, or take them again, as for a full disk or before a switch-over."""
    with admin(postgres) as connection:
        connection.run(f"ALTER SYSTEM SET default_transaction_read_only {setting}")
        connection.run("SELECT pg_reload_conf()")
