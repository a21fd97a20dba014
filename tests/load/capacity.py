"""The resources and costs of a load, computed from these assumptions: `python -m tests.load.capacity`.

Prices are those of docs/costs.md: list prices in eu-west-1, in US dollars a month of 730 hours.
"""

import math
from dataclasses import dataclass

from local.costs.traffic import lines_kept
from tests.load.report import table
from tests.load.workloads import PRODUCTS

LOADS = (100, 10_000, 1_000_000)
"""Requests a second: reads, the n-th product 1/n times as often as the first."""

PER_TASK = 1_000
"""Requests a second that one vCPU serves at half of its CPU, the autoscaling's target: of those measured in
docs/benchmarks.md half, and a third off that, since Fargate's vCPU is a hyperthread that was not measured."""

LEAST_TASKS = 3  # one in each zone
LEASE_SECONDS = 0.05
MISSES = 0.01  # of the reads; with a lifetime of an hour, a busy catalog of 10,000 products misses less
AUDITED = 0.001
SHARD_LOOKUPS = 100_000  # a second, that one primary of ElastiCache answers; AWS names more for its larger nodes
POOL = 5

SECONDS = 730 * 3600
TASK, TRACE, GIGABYTE_LOGGED, LINE_KB = 29.0, 5e-6, 0.57, 0.35
BALANCER, LCU, LCU_GB_AN_HOUR, ANSWER_KB = 18.0, 6.0, 1.0, 0.9
SHARD = 350.0  # a primary and two replicas, cache.m7g.large


@dataclass(frozen=True, slots=True)
class Plan:
    """The resources of one load."""

    load: int

    @property
    def tasks(self) -> int:
        """Of one vCPU."""
        return max(LEAST_TASKS, math.ceil(self.load / PER_TASK))

    @property
    def answered_locally(self) -> float:
        """The part of the reads that local leases answer: all but the first of each lease."""
        harmonic = sum(1 / rank for rank in range(1, PRODUCTS + 1))
        shares = [1 / rank / harmonic for rank in range(1, PRODUCTS + 1)]
        per_lease = [share * self.load / self.tasks * LEASE_SECONDS for share in shares]
        return sum(share * reads / (1 + reads) for share, reads in zip(shares, per_lease, strict=True))

    @property
    def lookups(self) -> float:
        """Of Redis, a second."""
        return self.load * (1 - self.answered_locally)

    @property
    def shards(self) -> int:
        """Of Redis."""
        return math.ceil(self.lookups / SHARD_LOOKUPS)

    @property
    def queries(self) -> float:
        """Of PostgreSQL, a second."""
        return self.load * (MISSES + AUDITED)

    @property
    def traces(self) -> float:
        """A second."""
        return self.tasks * min(10.0, 1 + 0.05 * self.load / self.tasks)

    @property
    def lines(self) -> float:
        """Access lines a second: above a rate, successes are sampled."""
        return self.tasks * lines_kept(self.load / self.tasks)

    @property
    def costs(self) -> dict[str, float]:
        """Dollars a month, without the database and the costs that do not depend on the load."""
        gigabytes_an_hour = self.load * ANSWER_KB * 3600 / 1e6
        return {
            "tasks": self.tasks * TASK,
            "load balancer": BALANCER + LCU * math.ceil(gigabytes_an_hour / LCU_GB_AN_HOUR),
            "Redis": self.shards * SHARD,
            "access lines": self.lines * LINE_KB * SECONDS / 1e6 * GIGABYTE_LOGGED,
            "traces": self.traces * SECONDS * TRACE,
        }


def main() -> None:
    plans = [Plan(load) for load in LOADS]
    rows: list[tuple[object, ...]] = [
        ("tasks of one vCPU", *(f"{plan.tasks:,}" for plan in plans)),
        ("answered from a task's own memory", *(f"{plan.answered_locally:.0%}" for plan in plans)),
        ("lookups of Redis a second", *(f"{plan.lookups:,.0f}" for plan in plans)),
        ("shards of Redis", *(f"{plan.shards:,}" for plan in plans)),
        ("connections to Redis (two for each thread, one for the loop)", *(f"{plan.tasks * 17:,}" for plan in plans)),
        ("queries of PostgreSQL a second", *(f"{plan.queries:,.0f}" for plan in plans)),
        ("connections to PostgreSQL", *(f"{plan.tasks * POOL:,}" for plan in plans)),
    ]
    rows += [(f"$ a month: {name}", *(f"{plan.costs[name]:,.0f}" for plan in plans)) for name in plans[0].costs]
    rows.append(("**$ a month, together**", *(f"**{sum(plan.costs.values()):,.0f}**" for plan in plans)))
    print(table(("requests a second", *(f"{plan.load:,}" for plan in plans)), rows))


if __name__ == "__main__":
    main()
