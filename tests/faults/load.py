"""Clients that read and write while a test harms the stores; their responses are recorded."""

import threading
import time
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from types import TracebackType

import httpx

from local import waiting

PRODUCTS = range(1, 11)


def wait_until(condition: Callable[[], bool], seconds: float = 30) -> float:
    """Wait for a condition; return how long it took."""
    began = time.monotonic()
    assert waiting.wait_until(condition, seconds), "waited too long"
    return time.monotonic() - began


def assert_unavailable(response: httpx.Response) -> None:
    """Assert that the response is the one for an unavailable store."""
    assert response.status_code == 503
    assert response.json()["Code"] == "ServiceUnavailableError"
    assert int(response.headers["retry-after"]) >= 1


class Load:
    """Clients of some servers. Each repeats one call until the block ends; every response is recorded."""

    def __init__(self, urls: list[str], call: Callable[[httpx.Client, int], httpx.Response], clients: int = 8) -> None:
        self._call = call
        self._stop = threading.Event()
        self._pool = ThreadPoolExecutor(clients)
        self._answers: list[tuple[float, int]] = []  # when each request began, and its status
        self._running = [self._pool.submit(self._repeat, urls[n % len(urls)], n) for n in range(clients)]

    def _repeat(self, url: str, number: int) -> None:
        with httpx.Client(base_url=url, timeout=10) as client:
            turn = number
            while not self._stop.is_set():
                asked = time.monotonic()
                self._answers.append((asked, self._call(client, PRODUCTS[turn % len(PRODUCTS)]).status_code))
                turn += 1

    def wait_for(self, answers: int) -> None:
        """Wait for so many more responses."""
        target = len(self._answers) + answers
        wait_until(lambda: len(self._answers) >= target, 60)

    def statuses(self, asked_since: float = float("-inf")) -> Counter[int]:
        """Count the responses by status, of requests since a moment on the monotonic clock."""
        return Counter(status for asked, status in self._answers if asked >= asked_since)

    def __enter__(self) -> "Load":
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._stop.set()
        for each in self._running:
            each.result(timeout=30)
        self._pool.shutdown()


def read(client: httpx.Client, product_id: int) -> httpx.Response:
    """Read one of the ten products, and check that it is the right one."""
    response = client.get(f"/product/{product_id}")
    assert response.status_code != 200 or response.json()["id"] == product_id
    return response


def page(client: httpx.Client, product_id: int) -> httpx.Response:
    """Read a page of products: it comes from PostgreSQL, whatever the cache holds."""
    return client.get("/products", params={"after": product_id})


def write(client: httpx.Client, product_id: int) -> httpx.Response:
    """Overwrite one of the ten products."""
    return client.put(f"/product/{product_id}", json={"name": "TV", "price": product_id})


def readers(*urls: str, clients: int = 8) -> Load:
    """Start clients that read."""
    return Load(list(urls), read, clients)


def writers(*urls: str, clients: int = 4) -> Load:
    """Start clients that write."""
    return Load(list(urls), write, clients)
