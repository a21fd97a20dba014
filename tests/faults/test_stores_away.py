"""What clients see while Redis or PostgreSQL is away: reads need either store, writes need both."""

import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor

import httpx
import pytest
import redis

from tests.servers import Server, serving
from tests.stores import OwnPostgres, OwnRedis

BACK_SECONDS = 2.0
PRODUCTS = range(1, 11)


@pytest.fixture
def server(own_database_url: str, own_redis: OwnRedis) -> Iterator[Server]:
    environ = {"DATABASE_URL": own_database_url, "REDIS_URL": own_redis.url, "API_KEYS": "none"}
    with serving(environ) as server:
        yield server


@pytest.fixture
def shop(server: Server) -> Iterator[httpx.Client]:
    """A client of a shop that has ten products, none of them cached."""
    with httpx.Client(base_url=server.url, timeout=10) as client:
        for id in PRODUCTS:
            assert client.post("/data", json={"id": id, "name": "TV", "price": id}).status_code == 201
        yield client


class Readers:
    """Clients that read all the time, and keep every answer."""

    def __init__(self, url: str, clients: int = 8) -> None:
        self._url = url
        self._stop = threading.Event()
        self._pool = ThreadPoolExecutor(clients)
        self.answers: list[int] = []
        self._running = [self._pool.submit(self._read) for _ in range(clients)]

    def _read(self) -> None:
        with httpx.Client(base_url=self._url, timeout=10) as client:
            while not self._stop.is_set():
                for id in PRODUCTS:
                    response = client.get(f"/product/{id}")
                    assert response.status_code != 200 or response.json()["price"] == id
                    self.answers.append(response.status_code)

    def wait_for(self, answers: int) -> None:
        """Wait until so many more answers came in."""
        target = len(self.answers) + answers
        wait_until(lambda: len(self.answers) >= target)

    def __enter__(self) -> "Readers":
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        for each in self._running:
            each.result(timeout=30)
        self._pool.shutdown()


def wait_until(condition: Callable[[], bool], seconds: float = 30) -> float:
    """Wait for a condition; return how long it took."""
    begun = time.monotonic()
    while not condition():
        assert time.monotonic() - begun < seconds, "waited too long"
        time.sleep(0.01)
    return time.monotonic() - begun


def test_no_read_fails_while_redis_is_killed_and_comes_back(
    server: Server, shop: httpx.Client, own_redis: OwnRedis
) -> None:
    with Readers(server.url) as readers:
        readers.wait_for(500)
        own_redis.kill()
        readers.wait_for(500)
        own_redis.start()
        readers.wait_for(500)
    assert set(readers.answers) == {200}
    wait_until(lambda: shop.get("/product/1").headers["x-cache"] == "hit")


def test_no_read_fails_while_redis_is_frozen(server: Server, shop: httpx.Client, own_redis: OwnRedis) -> None:
    with Readers(server.url) as readers:
        readers.wait_for(500)
        own_redis.freeze()
        readers.wait_for(500)
        own_redis.thaw()
    assert set(readers.answers) == {200}


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
    assert "CacheUnavailableError" in server.output()


def evict(server: OwnRedis, product_id: int) -> None:
    with redis.Redis.from_url(server.url) as client:
        client.delete(f"p1:{product_id}")


def assert_unavailable(response: httpx.Response) -> None:
    assert response.status_code == 503
    assert response.json()["Code"] == "ServiceUnavailableError"
    assert int(response.headers["retry-after"]) >= 1


def test_without_postgres_cached_reads_go_on_and_the_rest_says_when_to_come_back(
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
    assert "DatabaseUnavailableError" in server.output()


def test_a_killed_postgres_is_forgotten_once_it_is_back(
    server: Server, shop: httpx.Client, own_postgres: OwnPostgres
) -> None:
    with Readers(server.url) as readers:
        readers.wait_for(200)
        own_postgres.kill()
        own_postgres.start()
        wait_until(lambda: shop.get("/products").status_code == 200)
        seen = len(readers.answers)
        readers.wait_for(500)
    assert set(readers.answers) <= {200, 503}
    assert set(readers.answers[seen:]) == {200}


@pytest.mark.parametrize("path", ["/livez", "/readyz", "/status"])
def test_probes_do_not_wait_for_a_frozen_postgres(
    server: Server, shop: httpx.Client, own_postgres: OwnPostgres, path: str
) -> None:
    own_postgres.freeze()
    with ThreadPoolExecutor(32) as pool:
        stuck = [pool.submit(httpx.get, f"{server.url}/products", timeout=30) for _ in range(32)]
        wait_until(lambda: any(each.running() for each in stuck))
        if path != "/status":  # which is a request like others and waits for a thread
            assert httpx.get(server.url + path, timeout=2).status_code == 200
        answers = [each.result() for each in stuck]
    own_postgres.thaw()
    for answer in answers:
        assert_unavailable(answer)
    wait_until(lambda: shop.get("/products").status_code == 200)
    assert shop.get(path).status_code == 200
