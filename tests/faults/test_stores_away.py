"""While Redis or PostgreSQL is unavailable: a read needs one of the stores, a write needs both."""

import time
from concurrent.futures import ThreadPoolExecutor

import httpx
import redis

from tests.faults.conftest import with_and_without_a_loop
from tests.faults.load import assert_unavailable, readers, wait_until
from tests.fixtures.servers import Server
from tests.fixtures.stores import OwnPostgres, OwnRedis

BACK_SECONDS = 10.0
"""A bound on the wait: the store is asked again after a second, and the machine may be busy."""


@with_and_without_a_loop
def test_no_read_fails_while_redis_is_killed_and_comes_back(
    server: Server, shop: httpx.Client, own_redis: OwnRedis
) -> None:
    with readers(server.url) as load:
        load.wait_for(500)
        own_redis.kill()
        load.wait_for(500)
        own_redis.start()
        load.wait_for(500)
    assert set(load.statuses()) == {200}
    wait_until(lambda: shop.get("/product/1").headers["x-cache"] == "hit")


@with_and_without_a_loop
def test_no_read_fails_while_redis_is_frozen(server: Server, shop: httpx.Client, own_redis: OwnRedis) -> None:
    with readers(server.url) as load:
        load.wait_for(500)
        own_redis.freeze()
        load.wait_for(500)
        own_redis.thaw()
    assert set(load.statuses()) == {200}


@with_and_without_a_loop
def test_without_redis_a_write_is_refused_and_nothing_is_stored(
    server: Server, shop: httpx.Client, own_redis: OwnRedis
) -> None:
    own_redis.stop()
    for method, path, body in (
        ("POST", "/data", {"id": 99, "name": "TV", "price": 1}),
        ("PUT", "/product/1", {"name": "TV", "price": 99}),
        ("DELETE", "/product/2", None),
    ):
        assert_unavailable(shop.request(method, path, json=body))
    assert shop.get("/product/99").status_code == 404
    assert shop.get("/product/1").json()["price"] == 1
    assert shop.get("/product/2").headers["x-cache"] == "bypass"
    own_redis.start()
    wait_until(lambda: shop.put("/product/1", json={"name": "TV", "price": 99}).status_code == 200)
    assert shop.get("/product/1").json()["price"] == 99
    server.awaited_output("CacheUnavailableError")


def evict(server: OwnRedis, product_id: int) -> None:
    with redis.Redis.from_url(server.url) as client:
        client.delete(f"p1:{product_id}")


def test_without_postgres_cached_reads_succeed_and_other_requests_fail_with_retry_after(
    server: Server, shop: httpx.Client, own_postgres: OwnPostgres, own_redis: OwnRedis
) -> None:
    evict(own_redis, 2)
    own_postgres.stop()
    for _ in range(10):
        cached = shop.get("/product/1")
        assert (cached.status_code, cached.headers["x-cache"]) == (200, "hit")
        assert_unavailable(shop.get("/product/2"))
        assert_unavailable(shop.get("/products"))
        assert_unavailable(shop.post("/data", json={"id": 99, "name": "TV", "price": 1}))
    assert shop.get("/livez").status_code == shop.get("/readyz").status_code == shop.get("/status").status_code == 200
    own_postgres.start()
    assert wait_until(lambda: shop.get("/product/2").status_code == 200) < BACK_SECONDS
    assert shop.post("/data", json={"id": 99, "name": "TV", "price": 1}).status_code == 201
    server.awaited_output("DatabaseUnavailableError")


def test_after_a_restart_of_postgres_requests_succeed(
    server: Server, shop: httpx.Client, own_postgres: OwnPostgres
) -> None:
    with readers(server.url) as load:
        load.wait_for(200)
        own_postgres.kill()
        own_postgres.start()
        wait_until(lambda: shop.get("/products").status_code == 200)
        back = time.monotonic()
        load.wait_for(500)
    assert set(load.statuses()) <= {200, 503}
    assert set(load.statuses(back)) == {200}


def test_probes_do_not_wait_for_a_frozen_postgres(
    server: Server, shop: httpx.Client, own_postgres: OwnPostgres
) -> None:
    own_postgres.freeze()
    with ThreadPoolExecutor(32) as pool:
        stuck = [pool.submit(httpx.get, f"{server.url}/products", timeout=30) for _ in range(32)]
        wait_until(lambda: any(each.running() for each in stuck))
        for path in ("/livez", "/readyz"):  # /status needs a thread, as other requests do
            assert httpx.get(server.url + path, timeout=2).status_code == 200, path
        answers = [each.result() for each in stuck]
    own_postgres.thaw()
    for answer in answers:
        assert_unavailable(answer)
    wait_until(lambda: shop.get("/products").status_code == 200)
    assert shop.get("/livez").status_code == shop.get("/readyz").status_code == shop.get("/status").status_code == 200
