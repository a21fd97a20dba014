"""The cache's small parts: memory, breaker, audit, entries."""

import threading
from concurrent.futures import ThreadPoolExecutor
from queue import Queue

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chalicelib.cache.audit import Audit
from chalicelib.cache.entries import ABSENT, is_body, is_fence, is_lease, new_fence, new_lease
from chalicelib.cache.local_copies import LocalCopies
from chalicelib.ports import AuditResult
from chalicelib.redis_client.errors import RedisConnectionError, RedisError
from chalicelib.stores.circuit_breaker import CircuitBreaker
from local.waiting import wait_until
from tests.chalicelib.cache.conftest import Task
from tests.fixtures.entries import held, put
from tests.fixtures.redis_clients import Client

BODY = b'{"id":1}'


def test_every_entry_is_of_one_kind() -> None:
    kinds = (is_body, is_fence, is_lease, lambda entry: entry == ABSENT)
    for entry in (BODY, ABSENT, new_lease(), new_fence()):
        assert [kind(entry) for kind in kinds].count(True) == 1


def test_no_two_leases_or_fences_are_alike() -> None:
    assert len({new_lease() for _ in range(1000)} | {new_fence() for _ in range(1000)}) == 2000


def test_memory_answers_until_its_moment_and_not_at_it() -> None:
    now = [0.0]
    memory = LocalCopies(clock=lambda: now[0])
    memory.keep(1, BODY, until=1.0)
    now[0] = 0.999
    assert memory.get(1) == BODY
    now[0] = 1.0
    assert memory.get(1) is None


@given(st.lists(st.tuples(st.integers(1, 50), st.integers(0, 40)), max_size=200))
def test_memory_is_bounded_in_entries_and_in_bytes(kept: list[tuple[int, int]]) -> None:
    memory = LocalCopies(max_entries=10, max_bytes=100, clock=lambda: 0.0)
    for product_id, size in kept:
        memory.keep(product_id, b"x" * size, until=1.0)
        sizes = [len(each.body) for each in memory._kept.values()]
        assert len(sizes) <= 10
        assert sum(sizes) == memory._bytes <= 100
        assert memory.get(product_id) == b"x" * size


def test_memory_survives_many_threads() -> None:
    memory = LocalCopies(max_entries=20)

    def work(number: int) -> None:
        for turn in range(2000):
            memory.keep((number * turn) % 50, BODY, until=1e12)
            assert memory.get(turn % 50) in (BODY, None)

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(work, range(8)))
    assert sum(len(each.body) for each in memory._kept.values()) == memory._bytes


class Store:
    """A store that answers or does not, as told."""

    def __init__(self) -> None:
        self.away = threading.Event()
        self.probes = 0

    def ask(self) -> str:
        if self.away.is_set():
            raise RedisConnectionError("away")
        return "answer"

    def probe(self) -> str:
        self.probes += 1
        return self.ask()


def test_three_failures_in_a_row_open_the_guard_and_one_probe_closes_it() -> None:
    store = Store()
    breaker = CircuitBreaker("Redis", store.probe, RedisError, probe_seconds=0.01)
    store.away.set()
    for failures in range(3):
        assert breaker.is_open == (failures >= 3)
        with pytest.raises(RedisConnectionError):
            breaker.watch(store.ask)
    assert breaker.is_open
    assert wait_until(lambda: store.probes >= 2, 10)
    assert breaker.is_open
    store.away.clear()
    assert wait_until(lambda: not breaker.is_open, 10)
    assert breaker.watch(store.ask) == "answer"
    assert breaker.failures == 3


def test_failures_that_are_not_in_a_row_do_not_open_it() -> None:
    store = Store()
    breaker = CircuitBreaker("Redis", store.probe, RedisError)
    for _ in range(10):
        store.away.set()
        for _ in range(2):
            with pytest.raises(RedisConnectionError):
                breaker.watch(store.ask)
        store.away.clear()
        breaker.watch(store.ask)
    assert not breaker.is_open


def test_a_dead_store_does_not_fill_the_log(caplog: pytest.LogCaptureFixture) -> None:
    store = Store()
    store.away.set()
    breaker = CircuitBreaker("Redis", store.probe, RedisError, failures_to_open=10_000)
    for _ in range(100):
        with pytest.raises(RedisConnectionError):
            breaker.watch(store.ask)
    assert len(caplog.records) == 1


@pytest.mark.parametrize(
    ("in_redis", "in_database", "result", "left"),
    [
        (BODY, BODY, AuditResult.MATCH, BODY),
        (BODY, b'{"id":1,"new":1}', AuditResult.MISMATCH, None),
        (BODY, None, AuditResult.MISMATCH, None),
        (b'{"id":1,"new":1}', b'{"id":1,"new":1}', AuditResult.CHANGED, b'{"id":1,"new":1}'),
        (b"!fence", BODY, AuditResult.CHANGED, b"!fence"),
        (None, BODY, AuditResult.CHANGED, None),
    ],
)
def test_the_audit_compares_and_repairs(
    task: Task, client: Client, in_redis: bytes | None, in_database: bytes | None, result: str, left: bytes | None
) -> None:
    if in_redis is not None:
        put(client, "p1:1", in_redis)
    if in_database is not None:
        task.database[1] = in_database
    assert task.audit.look(1, BODY) == result
    assert held(client, "p1:1") == left


def test_the_audit_does_not_blame_the_cache_for_a_write_in_between(task: Task, client: Client) -> None:
    put(client, "p1:1", BODY)

    def load_while_a_write_is_published(_: int) -> bytes:
        put(client, "p1:1", b'{"id":1,"new":1}')
        return b'{"id":1,"new":1}'

    audit = Audit(task.shared, load_while_a_write_is_published, task.audited.append)
    assert audit.look(1, BODY) == AuditResult.CHANGED


def test_answers_are_looked_at_in_the_background_and_counted(task: Task, client: Client) -> None:
    put(client, "p1:1", BODY)
    task.database[1] = BODY
    audit = Audit(task.shared, task.database.get, task.audited.append, one_in=1)
    audit.consider(1, BODY)
    assert wait_until(lambda: task.audited == [AuditResult.MATCH], 10)


def test_the_audit_takes_its_time_and_lets_go_what_comes_meanwhile(task: Task) -> None:
    begun, may_end = threading.Event(), threading.Event()

    def load(_: int) -> None:
        begun.set()
        may_end.wait(10)

    audit = Audit(task.shared, load, task.audited.append, one_in=1)
    put(task.client, "p1:1", BODY)
    audit.consider(1, BODY)
    assert begun.wait(10)
    for _ in range(100):
        audit.consider(2, BODY)
    may_end.set()
    assert wait_until(lambda: len(task.audited) == 2, 10)
    assert audit._waiting.empty()


def test_about_one_answer_in_a_thousand_is_looked_at(task: Task) -> None:
    audit = Audit(task.shared, task.database.get, task.audited.append)
    audit._start = lambda: None
    audit._waiting = Queue()
    for _ in range(20_000):
        audit.consider(1, BODY)
    assert 1 <= audit._waiting.qsize() <= 60
