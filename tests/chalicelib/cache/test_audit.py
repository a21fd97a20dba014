"""The audit compares cached answers with the database, and deletes those that are wrong."""

import threading
from queue import Queue

import pytest

from chalicelib.cache.audit import Audit
from chalicelib.ports import AuditResult
from local.waiting import wait_until
from tests.chalicelib.cache.conftest import Task
from tests.fixtures.entries import held, put
from tests.fixtures.redis_clients import Client

BODY = b'{"id":1}'


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
def test_the_audit_compares_the_cache_with_the_database_and_deletes_a_wrong_entry(
    task: Task, client: Client, in_redis: bytes | None, in_database: bytes | None, result: str, left: bytes | None
) -> None:
    if in_redis is not None:
        put(client, "p1:1", in_redis)
    if in_database is not None:
        task.database[1] = in_database
    assert task.audit.compare(1, BODY) == result
    assert held(client, "p1:1") == left


def test_a_write_in_between_is_no_mismatch(task: Task, client: Client) -> None:
    put(client, "p1:1", BODY)

    def load_while_a_write_is_published(_: int) -> bytes:
        put(client, "p1:1", b'{"id":1,"new":1}')
        return b'{"id":1,"new":1}'

    audit = Audit(task.shared, load_while_a_write_is_published, task.audited.append)
    assert audit.compare(1, BODY) == AuditResult.CHANGED


def test_the_audit_runs_in_the_background_and_counts_its_results(task: Task, client: Client) -> None:
    put(client, "p1:1", BODY)
    task.database[1] = BODY
    audit = Audit(task.shared, task.database.get, task.audited.append, one_in=1)
    audit.consider(1, BODY)
    assert wait_until(lambda: task.audited == [AuditResult.MATCH], 10)


def test_while_the_audit_is_busy_further_answers_are_dropped(task: Task) -> None:
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


def test_about_one_answer_in_a_thousand_is_audited(task: Task) -> None:
    audit = Audit(task.shared, task.database.get, task.audited.append)
    audit._start = lambda: None
    audit._waiting = Queue()
    for _ in range(20_000):
        audit.consider(1, BODY)
    assert 1 <= audit._waiting.qsize() <= 60
