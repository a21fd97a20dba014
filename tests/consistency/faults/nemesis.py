"""What goes wrong in a world, planned ahead from a seed.

What must hold: the plan depends on the seed alone, so a printed seed brings the same blows at the same moments again;
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
"""Waits that many seconds, or until all is to end."""

Span = tuple[float, float]

EVICTION_SECONDS: Span = (0.001, 0.008)
LONG_DELAY: Span = (0.0, 0.03)
HELD: Span = (0.03, 0.1)
WRITE_SECONDS = 2.0


@dataclass(frozen=True, slots=True)
class Blow:
    """One thing that goes wrong: when, to which task, and for how long."""

    at: float
    kind: str
    task: int
    seconds: float


@dataclass(frozen=True, slots=True)
class Lane:
    """Blows that come one after another; those of several lanes come at the same time."""

    name: str
    kinds: Sequence[tuple[str, int]]  # with how often each comes, relative to the others
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
"""For negative controls and the like: what brings a certain fault to light soon."""


def plan(lanes: Sequence[Lane], seed: int, seconds: float, tasks: int) -> list[list[Blow]]:
    """Return each lane's blows of so many seconds."""
    return [_plan_lane(lane, random.Random(f"{seed}/{lane.name}"), seconds, tasks) for lane in lanes]


def _plan_lane(lane: Lane, rng: random.Random, seconds: float, tasks: int) -> list[Blow]:
    kinds, weights = zip(*lane.kinds, strict=True)
    blows: list[Blow] = []
    at = rng.uniform(*lane.gap)
    while at < seconds:
        blow = Blow(at, rng.choices(kinds, weights)[0], rng.randrange(tasks), rng.uniform(*lane.seconds))
        blows.append(blow)
        at += blow.seconds + rng.uniform(*lane.gap)
    return blows


class Nemesis:
    """Deals blows to a world, from `with` to its end."""

    def __init__(self, world: World, lanes: Sequence[Lane], seed: int, seconds: float) -> None:
        self._world = world
        self._stop = threading.Event()
        self._errors: list[BaseException] = []
        self._threads = [
            threading.Thread(target=self._deal, args=(blows,), daemon=True)
            for blows in plan(lanes, seed, seconds, len(world.tasks))
        ]

    def __enter__(self) -> "Nemesis":
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        for thread in self._threads:
            thread.join()
        self._world.heal()
        if self._errors:
            raise self._errors[0]

    def wait(self, seconds: float) -> None:
        """Return after so many seconds, or at once when something went wrong with going wrong."""
        self._stop.wait(seconds)

    def _deal(self, blows: Sequence[Blow]) -> None:
        began = time.monotonic()
        try:
            for blow in blows:
                if self._stop.wait(max(0.0, began + blow.at - time.monotonic())):
                    return
                BLOWS[blow.kind](self._world, blow, self._stop.wait)
        except BaseException as error:  # noqa: BLE001  raised where the block ends
            self._errors.append(error)
            self._stop.set()


def _delay_redis(world: World, blow: Blow, wait: Wait) -> None:
    proxy = _struck(world, blow).to_redis
    proxy.delay(LONG_DELAY, LONG_DELAY)
    wait(blow.seconds)
    proxy.delay()


def _delay_postgres(world: World, blow: Blow, wait: Wait) -> None:
    proxy = _struck(world, blow).to_postgres
    proxy.delay(LONG_DELAY, LONG_DELAY)
    wait(blow.seconds)
    proxy.delay()


def _hold_answers(world: World, blow: Blow, wait: Wait) -> None:
    """Of PostgreSQL: what it reads is old by the time that it arrives."""
    proxy = _struck(world, blow).to_postgres
    proxy.delay(to_client=HELD)
    wait(blow.seconds)
    proxy.delay()


def _cut_redis(world: World, blow: Blow, wait: Wait) -> None:
    """Any command: a reader's look, a lease, a fence."""
    _struck(world, blow).to_redis.cut_after_delivery(times=3)
    wait(blow.seconds)


def _cut_script(world: World, blow: Blow, wait: Wait) -> None:
    """What fills and publishes."""
    _struck(world, blow).to_redis.cut_after_delivery(times=3, matching=b"EVALSHA")
    wait(blow.seconds)


def _cut_write(world: World, blow: Blow, wait: Wait) -> None:
    _struck(world, blow).to_postgres.cut_after_delivery(times=2, matching=NAME)
    wait(blow.seconds)


def _drop_redis(world: World, blow: Blow, wait: Wait) -> None:
    _struck(world, blow).to_redis.drop()


def _drop_postgres(world: World, blow: Blow, wait: Wait) -> None:
    _struck(world, blow).to_postgres.drop()


def _partition_from_redis(world: World, blow: Blow, wait: Wait) -> None:
    proxy = _struck(world, blow).to_redis
    proxy.freeze()
    wait(blow.seconds)
    proxy.thaw()


def _evict(world: World, blow: Blow, wait: Wait) -> None:
    """Delete one product's key after another, whatever it holds; many writers lose their fence."""
    _delete(world, blow, wait, [f"p1:{product}" for product in PRODUCTS])


def _lose_hot_set(world: World, blow: Blow, wait: Wait) -> None:
    """Delete what writers are told of tasks' memories, over and over."""
    _delete(world, blow, wait, [HOT_SET])


def _delete(world: World, blow: Blow, wait: Wait, keys: Sequence[str]) -> None:
    rng = random.Random(blow.at)
    passed = 0.0
    with world.redis_client() as client:
        while passed < blow.seconds:
            with suppress(redis.RedisError):
                client.delete(rng.choice(keys))
            pause = rng.uniform(*EVICTION_SECONDS)
            if wait(pause):
                return
            passed += pause


def _freeze_redis(world: World, blow: Blow, wait: Wait) -> None:
    world.redis_server.freeze()
    wait(blow.seconds)
    world.redis_server.thaw()


def _flush_redis(world: World, blow: Blow, wait: Wait) -> None:
    with world.redis_client() as client, suppress(redis.RedisError):
        client.flushall()


def _restart_redis(world: World, blow: Blow, wait: Wait) -> None:
    world.redis_server.kill()
    wait(blow.seconds)
    world.redis_server.start()


def _restore_redis(world: World, blow: Blow, wait: Wait) -> None:
    """Have it come back with what it held a while ago; so does every later restart."""
    with world.redis_client() as client, suppress(redis.RedisError):
        client.save()
    wait(blow.seconds)
    world.redis_server.kill()
    world.redis_server.start()


def _kill(world: World, blow: Blow, wait: Wait) -> None:
    task = _struck(world, blow)
    task.kill()
    wait(blow.seconds)
    task.start()


def _kill_at_write(world: World, blow: Blow, wait: Wait) -> None:
    task = _struck(world, blow)
    task.kill_at_write(WRITE_SECONDS)
    wait(blow.seconds)
    task.start()


def _struck(world: World, blow: Blow) -> Task:
    return world.tasks[blow.task]


BLOWS: dict[str, Callable[[World, Blow, Wait], None]] = {
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
