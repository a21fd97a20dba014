"""What clients saw, and whether it was right.

The promise that is judged: a read that starts after a write was acknowledged never returns an older value. Which of
two values is older is not guessed from clocks: the database itself wrote down the order in which the writes of each
product were committed (`ledger.py`), those that nobody knows the outcome of included. So what must hold is that a read
is called stale only if it surely is: where something is uncertain, the reader's case is believed.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import NamedTuple

Value = int
"""The version that a write gave a product, unlike any other's; or ABSENT."""

ABSENT: Value = 0

Order = Mapping[int, Sequence[Value]]
"""For each product, the values that were committed, in their order; before the first it was absent."""

NEVER = float("inf")


class Status(StrEnum):
    """What a writer was told."""

    ACKNOWLEDGED = "acknowledged"
    REFUSED = "refused"  # for good: it has not happened and will not
    UNKNOWN = "unknown"  # it may have happened, or may still


class Read(NamedTuple):
    """A read that was answered; times are seconds on one monotonic clock."""

    start: float
    end: float
    product: int
    value: Value


class Write(NamedTuple):
    """A write that has ended, however; `value` is ABSENT for a deletion."""

    start: float
    end: float
    product: int
    value: Value
    status: Status


class Stale(NamedTuple):
    """A read that broke the promise, and an acknowledged write that it should have seen (None: it made up a value)."""

    read: Read
    missed: Write | None

    def __str__(self) -> str:
        what, missed = self.read, self.missed
        seen = f"product {what.product}: read {_shown(what.value)} from {what.start:.6f} to {what.end:.6f}"
        if missed is None:
            return f"{seen}, which nobody had written by then"
        after = what.start - missed.end
        return f"{seen}, {after * 1000:.1f} ms after {_shown(missed.value)} had been acknowledged at {missed.end:.6f}"


@dataclass(slots=True)
class Verdict:
    """What a history comes to."""

    reads: int = 0
    stale: list[Stale] = field(default_factory=list)
    lost: list[Write] = field(default_factory=list)  # acknowledged, and not in the database
    undead: list[Write] = field(default_factory=list)  # refused, and in the database

    @property
    def good(self) -> bool:
        """Whether every promise was kept."""
        return not (self.stale or self.lost or self.undead)


def judge(reads: Iterable[Read], writes: Iterable[Write], order: Order) -> Verdict:
    """Hold every read against every acknowledged write of its product.

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
    """Return the products whose newest value was acknowledged by somebody."""
    writes = list(writes)
    lines = {
        product: _Line(values, [write for write in writes if write.product == product], Verdict())
        for product, values in order.items()
    }
    return {product for product, line in lines.items() if line.is_settled}


class _Line:
    """One product's values in their order; a place is an index in `self._values`, 0 being the absence before all."""

    def __init__(self, values: Sequence[Value], writes: Sequence[Write], verdict: Verdict) -> None:
        self._values = [ABSENT, *values]
        self._absences = [place for place, value in enumerate(self._values) if value == ABSENT]
        self._last = {value: place for place, value in enumerate(self._values)}
        self._first = {value: place for place, value in reversed(list(enumerate(self._values)))}
        self._earliest = self._earliest_commits(writes)
        self._latest = self._latest_commits(writes)
        self._find_undead(writes, verdict)
        self._acknowledge(writes, verdict)

    def allows(self, read: Read) -> bool:
        """Whether the value was the newest one at some moment after the read started and before it ended."""
        oldest = self._floor(read.start)
        if read.value == ABSENT:
            found = bisect_left(self._absences, oldest)
            place = self._absences[found] if found < len(self._absences) else -1
        else:
            place = self._last.get(read.value, -1)
        return place >= oldest and self._earliest[place] <= read.end

    @property
    def is_settled(self) -> bool:
        """Whether the newest value was acknowledged."""
        return self._floors[-1] == len(self._values) - 1

    def missed_by(self, read: Read) -> Write | None:
        """Return the newest write that was acknowledged before the read started, if the read missed any."""
        known = read.value == ABSENT or read.value in self._last
        before = [(place, write) for place, write in self._acknowledged if write.end < read.start]
        return max(before)[1] if known and before else None

    def _earliest_commits(self, writes: Sequence[Write]) -> list[float]:
        """Return for each place a time before which it was not committed: not before its write began, nor its past."""
        starts: dict[Value, float] = {}
        for write in writes:
            if write.value != ABSENT:
                starts[write.value] = min(write.start, starts.get(write.value, NEVER))
        bounds = [-NEVER]
        for value in self._values[1:]:
            bounds.append(max(bounds[-1], starts.get(value, -NEVER)))
        return bounds

    def _latest_commits(self, writes: Sequence[Write]) -> list[float]:
        """Return for each place a time after which it was not committed: its acknowledgement, or what came after."""
        ends: dict[Value, float] = {}
        for write in writes:
            if write.status is Status.ACKNOWLEDGED and write.value != ABSENT:
                ends[write.value] = max(write.end, ends.get(write.value, -NEVER))
        bound, bounds = NEVER, []
        for value in reversed(self._values):
            bound = min(bound, ends.get(value, NEVER))
            bounds.append(bound)
        return bounds[::-1]

    def _find_undead(self, writes: Sequence[Write], verdict: Verdict) -> None:
        """Find what was refused and happened all the same (deletions cannot be told apart, and are not looked for)."""
        happened = {write.value for write in writes if write.status is not Status.REFUSED}
        verdict.undead += [
            write
            for write in writes
            if write.status is Status.REFUSED and write.value in self._last and write.value not in {*happened, ABSENT}
        ]

    def _acknowledge(self, writes: Sequence[Write], verdict: Verdict) -> None:
        """Find the place of every acknowledged write, and from them what readers must have seen by when."""
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
        """Return the first place that the write may have taken; None where there is none."""
        if write.value != ABSENT:
            return self._first.get(write.value)
        found = bisect_right(self._absences, write.start, lo=1, key=lambda place: self._latest[place])
        if found == len(self._absences) or self._earliest[self._absences[found]] > write.end:
            return None
        return self._absences[found]

    def _floor(self, moment: float) -> int:
        """Return the place of the newest write that was acknowledged before that moment."""
        return self._floors[bisect_left(self._ends, moment)]


def _shown(value: Value) -> str:
    return "nothing" if value == ABSENT else f"value {value}"
