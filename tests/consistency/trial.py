"""A trial of the promise: clients work while faults happen, every read is judged, and at the end all must agree.

What must hold: when writers and faults have ended and fences have expired, cache, tasks and database agree.
"""

import contextlib
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from local.waiting import wait_until
from tests.consistency.clients.client import NoAnswerError, TaskClient, value_in
from tests.consistency.clients.workload import Recorder, Workload
from tests.consistency.faults.nemesis import Lane, Nemesis
from tests.consistency.judge.history import ABSENT, Stale, Status, Value, Write, judge, settled
from tests.consistency.world import PRODUCTS, World
from tests.fixtures.entries import held

PEACE_SECONDS = 8.0
"""Longer than any fence lives: a difference after that lasts as long as the cache entry."""

SHOWN = 5


@dataclass(slots=True)
class Report:
    """The result of a trial, or the sum of several."""

    reads: int = 0
    writes: Counter[Status] = field(default_factory=Counter)
    failed_reads: Counter[int] = field(default_factory=Counter)
    slowest: float = 0.0
    stale: list[Stale] = field(default_factory=list)
    lost: list[Write] = field(default_factory=list)
    refused_but_stored: list[Write] = field(default_factory=list)
    diverged: list[str] = field(default_factory=list)
    abandoned: list[str] = field(default_factory=list)  # diverged, but the write was not acknowledged

    @property
    def good(self) -> bool:
        """Whether every promise was kept."""
        return not (self.stale or self.lost or self.refused_but_stored or self.diverged)

    def __str__(self) -> str:
        writes = ", ".join(f"{self.writes[status]} {status}" for status in Status)
        failed = ", ".join(f"{count} x {status or 'no answer'}" for status, count in sorted(self.failed_reads.items()))
        lines = [
            f"{self.reads} reads judged, {len(self.stale)} stale ({self.percent_stale:.2f} %);"
            f" failed: {failed or 'none'}; slowest answer {self.slowest:.2f} s",
            f"writes: {writes}; {len(self.lost)} lost, {len(self.refused_but_stored)} refused that happened",
            f"{len(self.diverged)} diverged; {len(self.abandoned)} behind a write that was not acknowledged",
        ]
        for what in (self.stale, self.lost, self.refused_but_stored, self.diverged, self.abandoned):
            lines += [f"  {each}" for each in what[:SHOWN]]
        return "\n".join(lines)

    @property
    def percent_stale(self) -> float:
        """Stale reads in a hundred."""
        return 100 * len(self.stale) / max(1, self.reads)


class Trial:
    """Rounds of work in one world, with one report."""

    def __init__(self, world: World, recorder: Recorder, lanes: Sequence[Lane]) -> None:
        self.report = Report()
        self._world = world
        self._recorder = recorder
        self._lanes = lanes
        self._writes: list[Write] = []

    def round(self, seed: int, seconds: float, peace: float = PEACE_SECONDS) -> Report:
        """Work under faults for `seconds`, then without until all agree; return the report of all rounds so far."""
        with Workload(self._recorder, self._world.ports, PRODUCTS, seed) as workload:
            with Nemesis(self._world, self._lanes, seed, seconds) as nemesis:
                nemesis.wait(seconds)
            workload.stop_writing()
            differing = self._differing_in_peace(peace)
        self._judge(differing)
        return self.report

    def _judge(self, differing: dict[int, str]) -> None:
        report, recorder = self.report, self._recorder
        reads, new = recorder.take_reads(), recorder.take_writes()
        self._writes += new
        order = self._world.ledger.order()
        verdict = judge(reads, self._writes, order)
        report.reads += verdict.reads
        report.stale += verdict.stale
        report.lost, report.refused_but_stored = verdict.lost, verdict.refused_but_stored
        report.writes.update(write.status for write in new)
        report.failed_reads, report.slowest = recorder.failed_reads, recorder.slowest
        acknowledged = settled(self._writes, order)
        report.diverged += [what for product, what in differing.items() if product in acknowledged]
        report.abandoned += [what for product, what in differing.items() if product not in acknowledged]

    def _differing_in_peace(self, seconds: float) -> dict[int, str]:
        """Wait until all agree on every product; return the products on which they do not, with the answers."""
        differing: dict[int, str] = {}

        def agreed() -> bool:
            nonlocal differing
            differing = self._differing()
            return not differing

        wait_until(agreed, seconds)
        return differing

    def _differing(self) -> dict[int, str]:
        rows = self._world.ledger.rows(PRODUCTS)
        said = {product: [_cached(self._world, product), *self._answers(product)] for product in PRODUCTS}
        return {
            product: f"product {product} is {rows[product]} in the database; Redis and the tasks say {said[product]}"
            for product in PRODUCTS
            if any(value not in (rows[product], None) for value in said[product])
        }

    def _answers(self, product: int) -> Iterable[Value | str]:
        for port in self._world.ports:
            with contextlib.closing(TaskClient(port)) as client:
                try:
                    status, value = client.get(product)
                    yield value if status in (200, 404) else f"status {status}"
                except NoAnswerError as error:
                    yield f"no answer: {error}"


def _cached(world: World, product: int) -> Value | str | None:
    """Return the value in Redis, None if there is none, or the raw entry if it is no value."""
    with world.redis_client() as client:
        entry = held(client, f"p1:{product}")
    if entry is None:
        return None
    if entry == b"0":
        return ABSENT
    return value_in(entry) if entry.startswith(b"{") else entry.decode()
