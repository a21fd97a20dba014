"""64 clients with different products at the same time: no response contains another request's data."""

import random
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import httpx

from chalicelib.web.responses import AWAY
from tests.chalicelib.web.conftest import KEY
from tests.fixtures.servers import Server

CLIENTS = 64
LIVES = 3
MAX_TRIES = 200


def test_no_response_contains_another_requests_data(server: Server) -> None:
    def client(number: int) -> None:
        random_source = random.Random(number)
        with httpx.Client(base_url=server.url, headers={"x-api-key": KEY}, timeout=30) as session:
            for turn in range(LIVES):
                live_one_life(session, number * 1_000_000 + turn + 1, random_source)

    with ThreadPoolExecutor(CLIENTS) as pool:
        list(pool.map(client, range(CLIENTS)))


def live_one_life(session: httpx.Client, id: int, random_source: random.Random) -> None:
    """Create, read, replace and remove a product that no other client uses.

    A refusal for want of room (503) carries nobody's data: the client sends again, as the refusal says it may, and then
    may learn that the first attempt did it.
    """
    path = f"/product/{id}"
    first = {"id": id, "name": f"first {id}", "price": random_source.randrange(10**8)}
    then = {"id": id, "name": f"then {id}", "price": random_source.randrange(10**8)}
    created = persistent(lambda: session.post("/data", json=first))
    assert (created.status_code in (200, 201), created.json()) == (True, first)
    assert answer(persistent(lambda: session.get(path))) == (200, first)
    replacing = {"name": then["name"], "price": then["price"]}
    assert answer(persistent(lambda: session.put(path, json=replacing))) == (200, then)
    assert answer(persistent(lambda: session.get(path))) == (200, then)
    assert persistent(lambda: session.delete(path)).status_code in (204, 404)
    assert persistent(lambda: session.get(path)).json()["Message"] == f"there is no product {id}"


def persistent(send: Callable[[], httpx.Response]) -> httpx.Response:
    """Send the request again until the response is not a 503."""
    for _ in range(MAX_TRIES):
        response = send()
        if response.status_code != httpx.codes.SERVICE_UNAVAILABLE:
            return response
        assert response.json()["Message"] == AWAY
    raise AssertionError(f"refused {MAX_TRIES} times in a row")


def answer(response: httpx.Response) -> tuple[int, object]:
    return response.status_code, response.json()
