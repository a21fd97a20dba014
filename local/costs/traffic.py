"""The costs of requests beside those of the resources, by the assumptions here."""

from collections.abc import Sequence
from dataclasses import dataclass

from local.costs.bill import table
from local.costs.prices import HOURS, Prices

LINE_KB = 0.35
"""A request's access line."""

LINES_PER_SECOND, ONE_IN = 50, 20
"""In each task so many successes a second are logged, and one in so many of the rest: the settings' defaults."""

ANSWER_KB = 0.9
"""Kilobytes through the load balancer for a request, both ways. An LCU is a GB an hour, the first limit."""

SAMPLED, MOST_TRACES = 0.05, 10
"""Traced: the first request of each second in each task, and this part of the others up to a limit."""


@dataclass(frozen=True, slots=True)
class Load:
    """A constant load, and the tasks that serve it."""

    name: str
    per_second: float
    tasks: int

    @property
    def millions(self) -> float:
        """Requests a month."""
        return self.per_second * HOURS * 3600 / 1e6

    def costs(self, prices: Prices) -> dict[str, float]:
        """Return dollars a month by purpose."""
        gigabytes_of_lines = self.millions * LINE_KB
        kept = self.tasks * lines_kept(self.per_second / self.tasks) / self.per_second
        traces = self.tasks * min(MOST_TRACES, 1 + SAMPLED * self.per_second / self.tasks)
        return {
            "access lines": kept * gigabytes_of_lines * prices["GB of lines"].usd,
            "or each of them": gigabytes_of_lines * prices["GB of lines"].usd,
            "or each of them in the Infrequent Access class": gigabytes_of_lines
            * prices["GB of lines in the Infrequent Access class"].usd,
            "LCUs": self.per_second * ANSWER_KB * 3600 / 1e6 * prices["LCU"].monthly,
            "traces": traces * HOURS * 3600 / 1e6 * prices["million traces"].usd,
            "data that leaves AWS": self.millions * ANSWER_KB * prices["GB that leaves AWS"].usd,
            "WAF, where it is on": self.millions * prices["million requests through WAF"].usd,
        }


def lines_kept(per_second: float) -> float:
    """Return the lines a second of a task that answers so many requests a second without errors."""
    return min(per_second, LINES_PER_SECOND) + max(0.0, per_second - LINES_PER_SECOND) / ONE_IN


LOADS = (Load("a million a day", 1e6 / 86400, 3), Load("10,000 a second", 10_000, 10))


def traffic(prices: Prices, loads: Sequence[Load] = LOADS) -> str:
    """Return the costs of each load in a region."""
    columns = [load.costs(prices) for load in loads]
    lines = [(what, *(f"{column[what]:,.0f}" for column in columns)) for what in columns[0]]
    return table((f"$ a month in {prices.region}", *(load.name for load in loads)), lines, numbers=len(loads))
