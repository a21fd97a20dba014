"""Faults in a world, planned from a seed.

What must hold: the plan depends on the seed alone, so a printed seed brings the same faults at the same moments again;
and when it is over, the world is whole.
"""

import random
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass

import redis

from chalicelib.cache.hot_set import KEY as HOT_SET
from tests.consistency.clients.client import NAME
from tests.consistency.world import PRODUCTS, Task, World

Wait = Callable[[float], object]
"""Waits that many seconds, or until the run ends."""

Span = tuple[float, float]

EVICTION_SECONDS: Span = (0.001, 0.008)
LONG_DELAY: Span = (0.0, 0.03)
HELD: Span = (0.03, 0.1)
WRITE_SECONDS = 2.0


@dataclass(frozen=True, slots=True)
class Fault:
    """One fault: when, to which task, and for how long."""

    at: float
    kind: str
    task: int
    seconds: float


@dataclass(frozen=True, slots=True)
class Lane:
    """Faults that happen one after another. Several lanes run at the same time."""

    name: str
    kinds: Sequence[tuple[str, int]]  # with the weight of each
    gap: Span
    seconds: Span


MIXED = (
    Lane(
        "network",
        (
            ("delay_redis", 4),
            ("delay_postgres", 3),
            ("hold_answers", 1),
            ("cut_redis", 2),
            ("cut_script", 2),
            ("cut_write", 2),
            ("drop_redis", 1),
            ("drop_postgres", 1),
            ("partition_from_redis", 2),
        ),
        gap=(0.05, 0.5),
        seconds=(0.1, 1.2),
    ),
    Lane("memory", (("evict", 3), ("lose_hot_set", 2)), gap=(0.3, 2.0), seconds=(0.1, 0.8)),
    Lane(
        "stores",
        (("freeze_redis", 4), ("flush_redis", 2), ("restart_redis", 1), ("restore_redis", 1)),
        gap=(2.0, 6.0),
        seconds=(0.05, 0.5),
    ),
    Lane("tasks", (("kill", 1), ("kill_at_write", 2)), gap=(3.0, 8.0), seconds=(0.0, 0.3)),
)

SLOW_NETWORK = Lane("network", (("delay_redis", 1), ("delay_postgres", 1)), gap=(0.0, 0.1), seconds=(0.3, 1.0))
HELD_ANSWERS = Lane("network", (("hold_answers", 1),), gap=(0.0, 0.1), seconds=(0.5, 1.5))
EVICTIONS = Lane("memory", (("evict", 1),), gap=(0.0, 0.2), seconds=(0.5, 1.0))
LOST_HOT_SETS = Lane("memory", (("lose_hot_set", 1),), gap=(0.0, 0.2), seconds=(0.5, 1.0))
RESTORED_SNAPSHOTS = Lane("stores", (("restore_redis", 1),), gap=(0.2, 0.5), seconds=(0.3, 0.6))
RESTARTS = Lane("tasks", (("kill", 1),), gap=(1.0, 2.5), seconds=(0.0, 0.1))
"""For negative controls: each reveals one broken cache soon."""


def plan(lanes: Sequence[Lane], seed: int, seconds: float, tasks: int) -> list[list[Fault]]:
    """Return the faults of each lane within `seconds`."""
    return [_plan_lane(lane, random.Random(f"{seed}/{lane.name}"), seconds, tasks) for lane in lanes]


def _plan_lane(lane: Lane, rng: random.Random, seconds: float, tasks: int) -> list[Fault]:
    kinds, weights = zip(*lane.kinds, strict=True)
    faults: list[Fault] = []
    at = rng.uniform(*lane.gap)
    while at < seconds:
        fault = Fault(at, rng.choices(kinds, weights)[0], rng.randrange(tasks), rng.uniform(*lane.seconds))
        faults.append(fault)
        at += fault.seconds + rng.uniform(*lane.gap)
    return faults


class Nemesis:
    """Injects the faults while the block runs."""

    def __init__(self, world: World, lanes: Sequence[Lane], seed: int, seconds: float) -> None:
        self._world = world
        self._stop = threading.Event()
        self._errors: list[BaseException] = []
        self._threads = [
            threading.Thread(target=self._inject, args=(faults,), daemon=True)
            for faults in plan(lanes, seed, seconds, len(world.tasks))
        ]

    def __enter__(self) -> "Nemesis":
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        for thread in self._threads:
            thread.join()
        self._world.end_faults()
        if self._errors:
            raise self._errors[0]

    def wait(self, seconds: float) -> None:
        """Return after `seconds`, or at once if a fault could not be injected."""
        self._stop.wait(seconds)

    def _inject(self, faults: Sequence[Fault]) -> None:
        began = time.monotonic()
        try:
            for fault in faults:
                if self._stop.wait(max(0.0, began + fault.at - time.monotonic())):
                    return
                FAULTS[fault.kind](self._world, fault, self._stop.wait)
        except BaseException as error:  # noqa: BLE001  raised where the block ends
            self._errors.append(error)
            self._stop.set()


def _delay_redis(world: World, fault: Fault, wait: Wait) -> None:
    proxy = _task_of(world, fault).to_redis
    proxy.delay(LONG_DELAY, LONG_DELAY)
    wait(fault.seconds)
    proxy.delay()


def _delay_postgres(world: World, fault: Fault, wait: Wait) -> None:
    proxy = _task_of(world, fault).to_postgres
    proxy.delay(LONG_DELAY, LONG_DELAY)
    wait(fault.seconds)
    proxy.delay()


def _hold_answers(world: World, fault: Fault, wait: Wait) -> None:
    """Delay PostgreSQL's answers: what was read is old when it arrives."""
    proxy = _task_of(world, fault).to_postgres
    proxy.delay(to_client=HELD)
    wait(fault.seconds)
    proxy.delay()


def _cut_redis(world: World, fault: Fault, wait: Wait) -> None:
    """Cut the answer to any command: a lookup, a lease, a fence."""
    _task_of(world, fault).to_redis.cut_after_delivery(times=3)
    wait(fault.seconds)


def _cut_script(world: World, fault: Fault, wait: Wait) -> None:
    """Cut the answer to the scripts that fill and publish."""
    _task_of(world, fault).to_redis.cut_after_delivery(times=3, matching=b"EVALSHA")
    wait(fault.seconds)


def _cut_write(world: World, fault: Fault, wait: Wait) -> None:
    _task_of(world, fault).to_postgres.cut_after_delivery(times=2, matching=NAME)
    wait(fault.seconds)


def _drop_redis(world: World, fault: Fault, wait: Wait) -> None:
    _task_of(world, fault).to_redis.drop()


def _drop_postgres(world: World, fault: Fault, wait: Wait) -> None:
    _task_of(world, fault).to_postgres.drop()


def _partition_from_redis(world: World, fault: Fault, wait: Wait) -> None:
    proxy = _task_of(world, fault).to_redis
    proxy.freeze()
    wait(fault.seconds)
    proxy.thaw()


def _evict(world: World, fault: Fault, wait: Wait) -> None:
    """Delete one product's key after another; many writers lose their fence."""
    _delete(world, fault, wait, [f"p1:{product}" for product in PRODUCTS])


def _lose_hot_set(world: World, fault: Fault, wait: Wait) -> None:
    """Delete the record of the products in tasks' memories, again and again."""
    _delete(world, fault, wait, [HOT_SET])


def _delete(world: World, fault: Fault, wait: Wait, keys: Sequence[str]) -> None:
    rng = random.Random(fault.at)
    passed = 0.0
    with world.redis_client() as client:
        while passed < fault.seconds:
            with suppress(redis.RedisError):
                client.delete(rng.choice(keys))
            pause = rng.uniform(*EVICTION_SECONDS)
            if wait(pause):
                return
            passed += pause


def _freeze_redis(world: World, fault: Fault, wait: Wait) -> None:
    world.redis_server.freeze()
    wait(fault.seconds)
    world.redis_server.thaw()


def _flush_redis(world: World, fault: Fault, wait: Wait) -> None:
    with world.redis_client() as client, suppress(redis.RedisError):
        client.flushall()


def _restart_redis(world: World, fault: Fault, wait: Wait) -> None:
    world.redis_server.kill()
    wait(fault.seconds)
    world.redis_server.start()


def _restore_redis(world: World, fault: Fault, wait: Wait) -> None:
    """Restart it with an old snapshot; every later restart loads it too."""
    with world.redis_client() as client, suppress(redis.RedisError):
        client.save()
    wait(fault.seconds)
    world.redis_server.kill()
    world.redis_server.start()


def _kill(world: World, fault: Fault, wait: Wait) -> None:
    task = _task_of(world, fault)
    task.kill()
    wait(fault.seconds)
    task.start()


def _kill_at_write(world: World, fault: Fault, wait: Wait) -> None:
    task = _task_of(world, fault)
    task.kill_at_write(WRITE_SECONDS)
    wait(fault.seconds)
    task.start()


def _task_of(world: World, fault: Fault) -> Task:
    return world.tasks[fault.task]


FAULTS: dict[str, Callable[[World, Fault, Wait], None]] = {
    "cut_write": _cut_write,
    "cut_redis": _cut_redis,
    "cut_script": _cut_script,
    "delay_postgres": _delay_postgres,
    "delay_redis": _delay_redis,
    "drop_postgres": _drop_postgres,
    "drop_redis": _drop_redis,
    "evict": _evict,
    "flush_redis": _flush_redis,
    "freeze_redis": _freeze_redis,
    "hold_answers": _hold_answers,
    "kill": _kill,
    "lose_hot_set": _lose_hot_set,
    "kill_at_write": _kill_at_write,
    "partition_from_redis": _partition_from_redis,
    "restart_redis": _restart_redis,
    "restore_redis": _restore_redis,
}
