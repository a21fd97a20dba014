"""Sixty-four clients with different products for ten seconds: no answer ever carries another request's data."""

import random
import time
from concurrent.futures import ThreadPoolExecutor

import httpx

from tests.servers import Server
from tests.shop.conftest import KEY

CLIENTS = 64
SECONDS = 10


def test_no_answer_ever_carries_another_requests_data(server: Server) -> None:
    ends = time.monotonic() + SECONDS

    def client(number: int) -> int:
        random_source = random.Random(number)
        with httpx.Client(base_url=server.url, headers={"x-api-key": KEY}, timeout=30) as session:
            turns = 0
            while time.monotonic() < ends:
                live_one_life(session, number * 1_000_000 + turns + 1, random_source)
                turns += 1
        return turns

    with ThreadPoolExecutor(CLIENTS) as pool:
        turns = list(pool.map(client, range(CLIENTS)))
    assert min(turns) > 0


def live_one_life(session: httpx.Client, id: int, random_source: random.Random) -> None:
    """Create, read, replace and remove one product that is nobody else's."""
    path = f"/product/{id}"
    first = {"id": id, "name": f"first {id}", "price": random_source.randrange(10**8)}
    then = {"id": id, "name": f"then {id}", "price": random_source.randrange(10**8)}
    assert answer(session.post("/data", json=first)) == (201, first)
    assert answer(session.get(path)) == (200, first)
    assert answer(session.put(path, json={"name": then["name"], "price": then["price"]})) == (200, then)
    assert answer(session.get(path)) == (200, then)
    assert session.delete(path).status_code == 204
    assert session.get(path).json()["Message"] == f"there is no product {id}"


def answer(response: httpx.Response) -> tuple[int, object]:
    return response.status_code, response.json()
