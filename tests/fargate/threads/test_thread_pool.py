"""A task that waits lends its permit: other tasks run, within the number of permits, and it continues first."""

import random
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from queue import SimpleQueue

import pytest

from fargate.threads.thread_pool import ThreadPool
from fargate.threads.waiting import lent_permit, sleep
from local.waiting import wait_until

SECONDS = 30
Task = Callable[[], None]


def run(task: Task) -> None:
    task()


def pool_of(permits: int, name: str, max_lent: int = 256, idle_seconds: float = SECONDS) -> ThreadPool[Task]:
    return ThreadPool(run, permits, name, max_lent, idle_seconds)


def threads_of(name: str) -> set[str]:
    return {each.name for each in threading.enumerate() if each.name.startswith(f"{name}-")}


class Waiting:
    """Tasks that wait with their permits lent until `released` is set."""

    def __init__(self) -> None:
        self.begun = threading.Semaphore(0)
        self.ended = threading.Semaphore(0)
        self.released = threading.Event()

    def __call__(self) -> None:
        with lent_permit():
            self.begun.release()
            self.released.wait(SECONDS)
        self.ended.release()


def acquired(semaphore: threading.Semaphore, times: int = 1) -> bool:
    return all(semaphore.acquire(timeout=SECONDS) for _ in range(times))


def test_many_tasks_wait_at_once_with_one_permit_and_others_run() -> None:
    pool, waiting, other = pool_of(1, "many"), Waiting(), threading.Event()
    for _ in range(50):
        pool.add(waiting)
    assert acquired(waiting.begun, 50)
    pool.add(other.set)
    assert other.wait(SECONDS)
    assert pool.lent == 50
    waiting.released.set()
    assert acquired(waiting.ended, 50)
    assert pool.lent == 0


def test_a_task_continues_before_a_queued_one_starts() -> None:
    pool, waiting = pool_of(1, "first"), Waiting()
    holding, done, order = threading.Event(), threading.Event(), SimpleQueue[str]()

    def hold() -> None:
        holding.set()
        done.wait(SECONDS)

    def wait() -> None:
        waiting()
        order.put("waited")

    pool.add(wait)
    assert acquired(waiting.begun)
    for task in (hold, lambda: order.put("queued"), lambda: order.put("queued")):
        pool.add(task)
    assert holding.wait(SECONDS)
    waiting.released.set()
    assert wait_until(lambda: bool(pool._returning), SECONDS)
    assert order.empty()
    done.set()
    assert [order.get(timeout=SECONDS) for _ in range(3)] == ["waited", "queued", "queued"]


def test_never_more_tasks_run_than_there_are_permits() -> None:
    pool, running, most, done = pool_of(3, "bound", max_lent=20), 0, 0, threading.Semaphore(0)
    lock, chance = threading.Lock(), random.Random(1)

    def change(by: int) -> None:
        nonlocal running, most
        with lock:
            running += by
            most = max(most, running)

    def task(pauses: list[float]) -> None:
        change(1)
        for pause in pauses:
            change(-1)
            sleep(pause)
            change(1)
            time.sleep(0.0002)
        change(-1)
        done.release()

    for _ in range(500):
        pauses = [chance.random() / 200 for _ in range(chance.randrange(4))]
        pool.add(lambda pauses=pauses: task(pauses))  # type: ignore[misc]
    assert acquired(done, 500)
    assert most == 3
    assert pool.lent == 0
    assert len(threads_of("bound")) <= 3 + 20


def test_a_lent_permit_that_no_task_needs_starts_no_thread() -> None:
    pool, done = pool_of(2, "cheap"), threading.Semaphore(0)

    def wait() -> None:
        sleep(0.001)
        done.release()

    for _ in range(20):
        pool.add(wait)
        assert acquired(done)
    assert len(threads_of("cheap")) == 2


def fill_and_empty(pool: ThreadPool[Task], waiters: int) -> None:
    """Run that many waiting tasks at once, to their end."""
    waiting = Waiting()
    for _ in range(waiters):
        pool.add(waiting)
    assert acquired(waiting.begun, waiters)
    waiting.released.set()
    assert acquired(waiting.ended, waiters)


def test_spare_threads_are_used_again() -> None:
    pool = pool_of(1, "again")
    for _ in range(5):
        fill_and_empty(pool, 10)
    assert len(threads_of("again")) == 10  # no thread is needed for the last permit


def test_spare_threads_end_when_nothing_needs_them() -> None:
    pool, done = pool_of(1, "spare", idle_seconds=0.01), threading.Event()
    fill_and_empty(pool, 10)
    assert wait_until(lambda: len(threads_of("spare")) == 1, SECONDS)
    pool.add(done.set)
    assert done.wait(SECONDS)


def test_at_the_limit_of_lent_permits_a_task_keeps_its_permit() -> None:
    pool, waiting, other = pool_of(1, "limit", max_lent=2), Waiting(), threading.Event()
    for _ in range(3):
        pool.add(waiting)
    assert acquired(waiting.begun, 3)
    pool.add(other.set)
    assert not other.wait(0.05)
    assert pool.lent == 2
    waiting.released.set()
    assert other.wait(SECONDS)


def test_if_no_thread_can_be_started_tasks_wait_for_existing_ones(monkeypatch: pytest.MonkeyPatch) -> None:
    pool, waiting, other = pool_of(1, "none"), Waiting(), threading.Event()

    def refuse(_: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    pool.add(waiting)
    assert acquired(waiting.begun)
    monkeypatch.setattr(threading.Thread, "start", refuse)
    pool.add(other.set)
    assert not other.wait(0.05)
    waiting.released.set()
    assert other.wait(SECONDS)
    assert pool.lent == 0


def test_nested_waits_lend_one_permit_and_an_error_takes_it_back() -> None:
    pool, lent, done = pool_of(1, "nested"), list[int](), threading.Event()

    def task() -> None:
        with suppress(OSError), lent_permit(), lent_permit():
            lent.append(pool.lent)
            raise OSError
        lent.append(pool.lent)
        with lent_permit():
            lent.append(pool.lent)
        done.set()

    pool.add(task)
    assert done.wait(SECONDS)
    assert lent == [1, 0, 1]


def test_without_a_permit_sleep_only_sleeps() -> None:
    began = time.monotonic()
    sleep(0.01)
    assert time.monotonic() - began >= 0.01


def test_a_thread_that_a_task_starts_has_no_permit_to_lend() -> None:
    pool, lent = pool_of(1, "started"), SimpleQueue[int]()

    def wait() -> None:
        with lent_permit():
            lent.put(pool.lent)

    def task() -> None:
        thread = threading.Thread(target=wait)
        thread.start()
        thread.join()

    pool.add(task)
    assert lent.get(timeout=SECONDS) == 0
