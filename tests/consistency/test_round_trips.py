"""Round trips of a request when connections are open and statements are prepared."""

import contextlib
import itertools
import socket
import statistics
import time
from collections.abc import Callable, Iterator

import pytest

from fargate.settings import Settings
from local.ports import LOOPBACK
from tests.consistency.clients.client import TaskClient
from tests.consistency.judge.history import ABSENT
from tests.consistency.statements import Statements
from tests.consistency.world import Task, World, running_world
from tests.fixtures.stores import OwnRedis

PRODUCT = 1
CROWDED = (3, 4, 5, 6, 7)
"""Each is cold for one crowd. Several: on a busy machine Redis may miss its 50 ms, and every reader then loads."""
UNAUDITED = "tests.consistency.unaudited:app"
TRIES = 7
THREADS = Settings().threads
CROWD = 500
SLOW_SECONDS = 0.05
A_MISS = 3  # the loop's look, a thread's lease, its fill
LEASE_SECONDS = 0.06  # longer than any local lease, so that a task's memory is empty


@pytest.fixture(scope="module")
def world(module_database_url: str, module_redis: OwnRedis) -> Iterator[World]:
    initial = {PRODUCT: 1, **dict.fromkeys(CROWDED, 3)}
    servers = ("uvicorn", "uvicorn")
    with running_world(module_database_url, module_redis, initial, servers=servers, app=UNAUDITED) as world:
        yield world


@pytest.fixture(scope="module")
def client(world: World) -> Iterator[TaskClient]:
    """A client of the first task, which has used all its connections and statements."""
    with contextlib.closing(TaskClient(world.tasks[0].port)) as client:
        for value in range(10, 14):
            assert client.put(PRODUCT, value) == 200
            assert client.delete(PRODUCT) == 204
            assert client.post(PRODUCT, value) == 201
            evict(world)
            assert client.get(PRODUCT) == (200, value)
        assert all_threads_are_connected(world, client)
        yield client


def all_threads_are_connected(world: World, client: TaskClient) -> bool:
    """Miss until as many misses in a row as there are threads have opened no connection."""
    task, in_a_row = world.tasks[0], 0
    for _ in range(20 * THREADS):
        evict(world)
        before = task.to_redis.round_trips
        client.get(PRODUCT)
        in_a_row = in_a_row + 1 if task.to_redis.round_trips - before == A_MISS else 0
        if in_a_row == THREADS:
            return True
    return False


def evict(world: World) -> None:
    """Delete the product from Redis and from the memory of every task."""
    with world.redis_client() as redis_client:
        redis_client.delete(f"p1:{PRODUCT}")
    forget()


def forget() -> None:
    time.sleep(LEASE_SECONDS)


def trips(world: World, prepare: Callable[[], object], request: Callable[[], object]) -> tuple[float, float]:
    """Return the round trips of a request of the first task: to Redis, and to PostgreSQL."""
    task = world.tasks[0]
    costs = []
    for _ in range(TRIES):
        prepare()
        before = task.to_redis.round_trips, task.to_postgres.round_trips
        request()
        costs.append((task.to_redis.round_trips - before[0], task.to_postgres.round_trips - before[1]))
    return statistics.median(cost[0] for cost in costs), statistics.median(cost[1] for cost in costs)


def test_a_hit_costs_one_trip_to_redis(world: World, client: TaskClient) -> None:
    assert trips(world, forget, lambda: client.get(PRODUCT)) == (1, 0)


def test_a_hit_in_local_memory_costs_none(world: World, client: TaskClient) -> None:
    def keep() -> None:
        client.get(PRODUCT)
        client.get(PRODUCT)

    assert trips(world, keep, lambda: client.get(PRODUCT)) == (0, 0)


def test_a_miss_costs_three_to_redis_and_one_to_postgres(world: World, client: TaskClient) -> None:
    assert trips(world, lambda: evict(world), lambda: client.get(PRODUCT)) == (A_MISS, 1)


def test_a_write_costs_two_to_redis_and_one_to_postgres(world: World, client: TaskClient) -> None:
    values = iter(range(100, 200))

    def put() -> int:
        return client.put(PRODUCT, next(values))

    def post() -> int:
        return client.post(PRODUCT, next(values))

    def delete() -> int:
        return client.delete(PRODUCT)

    for prepare, write in ((post, put), (post, delete), (delete, post)):
        assert trips(world, prepare, write) == (2, 1)


def test_many_readers_of_one_cold_product_load_it_once(world: World) -> None:
    heard = [record_statements(task) for task in world.tasks]
    loads = []
    for product in CROWDED:
        for answer in ask_all_at_once(world, CROWD, product):
            assert answer.startswith(b"HTTP/1.1 200 ")
            assert answer.endswith(b'"price":3}')
        run = heard[0].run + heard[1].run
        loads.append(sum(count for sql, count in run.items() if "products" in sql) - sum(loads))
        if loads[-1] == 1:
            break
    assert loads[-1] == 1, loads


def record_statements(task: Task) -> Statements:
    """Record all that a task sends to PostgreSQL, and delay the answers, so that the readers meet a load."""
    statements = Statements()
    task.to_postgres.taps.append(statements.hear)
    task.to_postgres.drop()
    with contextlib.closing(TaskClient(task.port)) as client:  # opens a connection, for something that is not cached
        assert client.get(task.port) == (404, ABSENT)
    statements.run.clear()
    task.to_postgres.delay(to_client=(SLOW_SECONDS, SLOW_SECONDS))
    return statements


def ask_all_at_once(world: World, clients: int, product: int) -> list[bytes]:
    with contextlib.ExitStack() as stack:
        crowd = [
            stack.enter_context(socket.create_connection((LOOPBACK, port), timeout=10))
            for port in itertools.islice(itertools.cycle(world.ports), clients)
        ]
        for each in crowd:
            each.sendall(b"GET /product/%d HTTP/1.1\r\nHost: shop\r\n\r\n" % product)
        return [answer_of(each) for each in crowd]


def answer_of(client: socket.socket) -> bytes:
    answer = b""
    while not answer.endswith(b"}"):
        answer += client.recv(65_536) or pytest.fail(f"hung up after {answer!r}")
    return answer
