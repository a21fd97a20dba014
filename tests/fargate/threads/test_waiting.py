"""Handlers that only wait block no other request, on every server, and all requests get their responses."""

import signal
import threading
from concurrent.futures import ThreadPoolExecutor

import httpx
import pytest

from fargate.settings import Server as Kind
from local.waiting import wait_until
from tests.fixtures.servers import serving

HANDLERS = 20
WRITERS = 100
SECONDS = 60

pytestmark = pytest.mark.parametrize("kind", list(Kind))


def test_twenty_handlers_wait_at_once_with_two_threads_and_others_run(kind: Kind) -> None:
    with serving({"THREADS": "2", "SERVER": kind}, "tests.apps.patient:app") as server, clients(HANDLERS) as pool:
        waiting = [pool.submit(httpx.get, f"{server.url}/wait", timeout=SECONDS) for _ in range(HANDLERS)]
        assert wait_until(lambda: httpx.get(f"{server.url}/inside").json() == {"inside": HANDLERS}, SECONDS)
        assert not any(each.done() for each in waiting)
        httpx.post(f"{server.url}/release")
        answers = [each.result() for each in waiting]
    assert [answer.json()["released"] for answer in answers] == [True] * HANDLERS
    assert [answer.json()["request_id"] for answer in answers] == [each.headers["x-amzn-requestid"] for each in answers]


def test_requests_that_wait_finish_while_the_server_drains(kind: Kind) -> None:
    with serving({"THREADS": "2", "SERVER": kind}, "tests.apps.patient:app") as server, clients(HANDLERS) as pool:
        waiting = [pool.submit(httpx.get, f"{server.url}/sleep/2", timeout=SECONDS) for _ in range(HANDLERS)]
        assert wait_until(lambda: httpx.get(f"{server.url}/inside").json() == {"inside": HANDLERS}, SECONDS)
        server.process.send_signal(signal.SIGTERM)
        assert [each.result().status_code for each in waiting] == [200] * HANDLERS
        assert server.process.wait(SECONDS) == 0, server.output()


def test_a_hundred_writers_of_a_hot_product_wait_at_once_while_others_are_created(
    module_database_url: str, module_redis_url: str, kind: Kind
) -> None:
    environ = {
        "DATABASE_URL": module_database_url,
        "REDIS_URL": module_redis_url,
        "LOCAL_LEASE_MS": "250",
        "API_KEYS": "none",
        "THREADS": "2",
        "SERVER": kind,
    }
    with serving(environ, "tests.apps.held_writers:app") as server, clients(WRITERS + 2) as pool:
        with httpx.Client(base_url=server.url, timeout=SECONDS, limits=httpx.Limits()) as client:
            hot, first_new = products_of(kind)
            assert created(client, hot) == 201
            stop_writing, stop_reading = threading.Event(), threading.Event()
            readers = [pool.submit(read_until, stop_reading, client, hot) for _ in range(2)]
            writers = [pool.submit(write_until, stop_writing, client, hot) for _ in range(WRITERS)]
            try:
                assert wait_until(lambda: client.get("/held").json() == {"held": WRITERS}, SECONDS)
                assert [created(client, first_new + number) for number in range(HANDLERS)] == [201] * HANDLERS
                assert client.get("/held").json() == {"held": WRITERS}
            finally:
                stop_writing.set()
                client.post("/release")
                stop_reading.set()
            assert set().union(*(each.result() for each in writers + readers)) == {200}


def clients(threads: int) -> ThreadPoolExecutor:
    return ThreadPoolExecutor(threads)


def products_of(kind: Kind) -> tuple[int, int]:
    """Return the ids of the hot product and of the first new one; each kind has its own."""
    first = 1000 * (1 + list(Kind).index(kind))
    return first, first + 1


def created(client: httpx.Client, product_id: int) -> int:
    return client.post("/data", json={"id": product_id, "name": "x", "price": 1.0}).status_code


def write_until(stop: threading.Event, client: httpx.Client, product_id: int) -> set[int]:
    """Overwrite a product in a loop; return the statuses of the responses."""
    statuses = set()
    while not stop.is_set():
        product = {"name": f"of {threading.get_ident()}", "price": 2.0}
        statuses.add(client.put(f"/product/{product_id}", json=product).status_code)
    return statuses


def read_until(stop: threading.Event, client: httpx.Client, product_id: int) -> set[int]:
    """Read a product in a loop, to keep it hot; return the statuses of the responses."""
    statuses = set()
    while not stop.wait(0.005):
        statuses.add(client.get(f"/product/{product_id}").status_code)
    return statuses
