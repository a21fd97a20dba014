"""What clients saw, and whether it keeps the promise.

The promise: a read that starts after a write was acknowledged never returns an older value. The database's own record
says which value is older (`ledger.py`), also for writes whose outcome their client does not know. No clocks are
compared. A read is called stale only if that is certain.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import NamedTuple

Value = int
"""The version that a write gave a product, different for each write; or ABSENT."""

ABSENT: Value = 0

Order = Mapping[int, Sequence[Value]]
"""The committed values of each product in order; before the first it was absent."""

NEVER = float("inf")


class Status(StrEnum):
    """The outcome of a write as its client knows it."""

    ACKNOWLEDGED = "acknowledged"
    REFUSED = "refused"  # it has not happened and will not
    UNKNOWN = "unknown"  # it may have happened, or may still


class Read(NamedTuple):
    """An answered read; times are seconds on one monotonic clock."""

    start: float
    end: float
    product: int
    value: Value


class Write(NamedTuple):
    """A write that has ended; `value` is ABSENT for a deletion."""

    start: float
    end: float
    product: int
    value: Value
    status: Status


class Stale(NamedTuple):
    """A read that broke the promise, and a write that it missed (None: its value was never written)."""

    read: Read
    missed: Write | None

    def __str__(self) -> str:
        what, missed = self.read, self.missed
        seen = f"product {what.product}: read {_shown(what.value)} from {what.start:.6f} to {what.end:.6f}"
        if missed is None:
            return f"{seen}, which was not written by then"
        after = what.start - missed.end
        return f"{seen}, {after * 1000:.1f} ms after {_shown(missed.value)} had been acknowledged at {missed.end:.6f}"


@dataclass(slots=True)
class Verdict:
    """The result for a history."""

    reads: int = 0
    stale: list[Stale] = field(default_factory=list)
    lost: list[Write] = field(default_factory=list)  # acknowledged, and not in the database
    refused_but_stored: list[Write] = field(default_factory=list)  # refused, and in the database

    @property
    def good(self) -> bool:
        """Whether every promise was kept."""
        return not (self.stale or self.lost or self.refused_but_stored)


def judge(reads: Iterable[Read], writes: Iterable[Write], order: Order) -> Verdict:
    """Compare every read with every acknowledged write of its product.

    Args:
        reads: any of those that were answered.
        writes: all that ended before the last of the reads did.
        order: taken after the last of the reads and writes had ended.
    """
    verdict = Verdict()
    by_product: dict[int, list[Write]] = {product: [] for product in order}
    for write in writes:
        by_product.setdefault(write.product, []).append(write)
    lines = {product: _Line(order.get(product, ()), own, verdict) for product, own in by_product.items()}
    for read in reads:
        verdict.reads += 1
        line = lines.get(read.product) or lines.setdefault(read.product, _Line((), [], verdict))
        if not line.allows(read):
            verdict.stale.append(Stale(read, line.missed_by(read)))
    return verdict


def settled(writes: Iterable[Write], order: Order) -> set[int]:
    """Return the products whose newest value was acknowledged."""
    writes = list(writes)
    lines = {
        product: _Line(values, [write for write in writes if write.product == product], Verdict())
        for product, values in order.items()
    }
    return {product for product, line in lines.items() if line.is_settled}


class _Line:
    """One product's values in order. A place is an index in `self._values`; 0 is the absence before the first."""

    def __init__(self, values: Sequence[Value], writes: Sequence[Write], verdict: Verdict) -> None:
        self._values = [ABSENT, *values]
        self._places: dict[Value, list[int]] = {}  # a creation that is sent again may be committed again
        for place, value in enumerate(self._values):
            self._places.setdefault(value, []).append(place)
        self._earliest = self._earliest_commits(writes)
        self._latest = self._latest_commits(writes)
        self._find_refused_but_stored(writes, verdict)
        self._acknowledge(writes, verdict)

    def allows(self, read: Read) -> bool:
        """Whether the value was the newest one at some moment after the read started and before it ended."""
        places = self._places.get(read.value, [])
        found = bisect_left(places, self._floor(read.start))
        return found < len(places) and self._earliest[places[found]] <= read.end

    @property
    def is_settled(self) -> bool:
        """Whether the newest value was acknowledged."""
        return self._floors[-1] == len(self._values) - 1

    def missed_by(self, read: Read) -> Write | None:
        """Return the newest write that was acknowledged before the read started, if the read missed any."""
        known = read.value in self._places
        before = [(place, write) for place, write in self._acknowledged if write.end < read.start]
        return max(before)[1] if known and before else None

    def _earliest_commits(self, writes: Sequence[Write]) -> list[float]:
        """Return for each place a time before which it was not committed: its write had not started."""
        starts: dict[Value, float] = {}
        for write in writes:
            if write.value != ABSENT:
                starts[write.value] = min(write.start, starts.get(write.value, NEVER))
        bounds = [-NEVER]
        for value in self._values[1:]:
            bounds.append(max(bounds[-1], starts.get(value, -NEVER)))
        return bounds

    def _latest_commits(self, writes: Sequence[Write]) -> list[float]:
        """Return for each place a time by which it was committed: it or a later one was acknowledged."""
        ends: dict[Value, float] = {}
        for write in writes:
            if write.status is Status.ACKNOWLEDGED and write.value != ABSENT:
                ends[write.value] = max(write.end, ends.get(write.value, -NEVER))
        bound, bounds = NEVER, []
        for value in reversed(self._values):
            bound = min(bound, ends.get(value, NEVER))
            bounds.append(bound)
        return bounds[::-1]

    def _find_refused_but_stored(self, writes: Sequence[Write], verdict: Verdict) -> None:
        """Find writes that were refused and happened. Deletions are all alike, so they are not checked."""
        happened = {write.value for write in writes if write.status is not Status.REFUSED}
        verdict.refused_but_stored += [
            write
            for write in writes
            if write.status is Status.REFUSED and write.value in self._places and write.value not in {*happened, ABSENT}
        ]

    def _acknowledge(self, writes: Sequence[Write], verdict: Verdict) -> None:
        """Find the place of every acknowledged write, and so what a reader must see from when on."""
        self._acknowledged: list[tuple[int, Write]] = []
        for write in writes:
            if write.status is Status.ACKNOWLEDGED:
                place = self._place_of(write)
                if place is None:
                    verdict.lost.append(write)
                else:
                    self._acknowledged.append((place, write))
        self._acknowledged.sort(key=lambda each: each[1].end)
        self._ends = [write.end for _, write in self._acknowledged]
        self._floors = [0]
        for place, _ in self._acknowledged:
            self._floors.append(max(self._floors[-1], place))

    def _place_of(self, write: Write) -> int | None:
        """Return the first place that the write may have; None if there is none."""
        if write.value != ABSENT:
            places = self._places.get(write.value)
            return places[0] if places else None
        absences = self._places[ABSENT]
        found = bisect_right(absences, write.start, lo=1, key=lambda place: self._latest[place])
        if found == len(absences) or self._earliest[absences[found]] > write.end:
            return None
        return absences[found]

    def _floor(self, moment: float) -> int:
        """Return the place of the newest write that was acknowledged before that moment."""
        return self._floors[bisect_left(self._ends, moment)]


def _shown(value: Value) -> str:
    return "nothing" if value == ABSENT else f"value {value}"
