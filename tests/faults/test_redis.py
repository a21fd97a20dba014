"""Under load: Redis is demoted, emptied or frozen."""

import time

import httpx
import pytest
import redis

from tests.faults.conftest import with_and_without_a_loop
from tests.faults.load import assert_unavailable, readers, wait_until, writers
from tests.fixtures.servers import Server
from tests.fixtures.stores import OwnRedis


@with_and_without_a_loop
def test_a_demoted_redis_is_not_used_until_it_is_primary_again(
    server: Server, shop: httpx.Client, own_redis: OwnRedis, redis_server: OwnRedis
) -> None:
    with redis.Redis.from_url(own_redis.url) as client, readers(server.url) as reads, writers(server.url) as writes:
        reads.wait_for(200)
        client.replicaof("127.0.0.1", str(redis_server.port))
        wait_until(lambda: shop.get("/product/1").headers["x-cache"] == "bypass")
        assert_unavailable(shop.put("/product/1", json={"name": "TV", "price": 2}))
        reads.wait_for(200)
        client.replicaof("NO", "ONE")
        wait_until(lambda: shop.put("/product/1", json={"name": "TV", "price": 2}).status_code == 200)
        wait_until(lambda: shop.get("/product/1").headers["x-cache"] == "hit")
    assert set(reads.statuses()) == {200}
    assert set(writes.statuses()) <= {200, 503}


@with_and_without_a_loop
def test_when_redis_is_emptied_no_request_fails_and_no_value_is_wrong(
    server: Server, shop: httpx.Client, own_redis: OwnRedis
) -> None:
    with redis.Redis.from_url(own_redis.url) as client, readers(server.url) as reads, writers(server.url) as writes:
        for _ in range(20):
            client.flushall()
            reads.wait_for(20)
    assert set(reads.statuses()) == {200}
    assert set(writes.statuses()) <= {200, 503}
    assert writes.statuses()[200] > 0


@with_and_without_a_loop
def test_a_frozen_redis_delays_only_the_first_few_requests(
    server: Server, shop: httpx.Client, own_redis: OwnRedis
) -> None:
    wait_until(lambda: shop.get("/product/1").headers["x-cache"] == "hit")
    own_redis.freeze()
    seconds = []
    for turn in range(50):
        begun = time.monotonic()
        assert shop.get(f"/product/{1 + turn % 10}").status_code == 200
        seconds.append(time.monotonic() - begun)
    assert max(seconds) < 3, "a bound on a wait, not a speed"
    assert shop.get("/product/1").headers["x-cache"] == "bypass"
    assert_unavailable(shop.put("/product/1", json={"name": "TV", "price": 2}))
    own_redis.thaw()
    wait_until(lambda: shop.get("/product/1").headers["x-cache"] == "hit")


@pytest.mark.parametrize("server", ["uvicorn"], indirect=True)  # its loop and its threads read
def test_a_redis_that_refuses_writes_fails_no_read(server: Server, shop: httpx.Client, own_redis: OwnRedis) -> None:
    with redis.Redis.from_url(own_redis.url) as client, readers(server.url) as reads, writers(server.url) as writes:
        for refuse, allow in ((full, roomy), (alone, not_alone), (unsaved, saved)):
            writes.wait_for(20)
            refuse(client, own_redis)
            wait_until(lambda: shop.put("/product/1", json={"name": "TV", "price": 2}).status_code == 503)
            assert_unavailable(shop.put("/product/1", json={"name": "TV", "price": 2}))
            reads.wait_for(100)
            allow(client, own_redis)
            wait_until(lambda: shop.put("/product/1", json={"name": "TV", "price": 2}).status_code == 200)
            wait_until(lambda: shop.get("/product/1").headers["x-cache"] == "hit")
    assert set(reads.statuses()) == {200}, server.complaints()
    assert set(writes.statuses()) <= {200, 503}, server.complaints()
    assert "Traceback" not in server.output()


def full(client: redis.Redis, server: OwnRedis) -> None:
    client.config_set("maxmemory", "1")  # OOM


def roomy(client: redis.Redis, server: OwnRedis) -> None:
    client.config_set("maxmemory", "0")


def alone(client: redis.Redis, server: OwnRedis) -> None:
    client.config_set("min-replicas-to-write", "1")  # NOREPLICAS


def not_alone(client: redis.Redis, server: OwnRedis) -> None:
    client.config_set("min-replicas-to-write", "0")


def unsaved(client: redis.Redis, server: OwnRedis) -> None:
    """MISCONF: a snapshot fails, as where its disk is full."""
    (server.folder / "dump.rdb").mkdir()
    client.config_set("save", "3600 1")
    client.bgsave()
    wait_until(lambda: client.info("persistence")["rdb_last_bgsave_status"] == "err")


def saved(client: redis.Redis, server: OwnRedis) -> None:
    (server.folder / "dump.rdb").rmdir()
    client.bgsave()
    wait_until(lambda: client.info("persistence")["rdb_last_bgsave_status"] == "ok")
