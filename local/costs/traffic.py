"""What requests cost on top of what stands there, by assumptions that are all here."""

from collections.abc import Sequence
from dataclasses import dataclass

from local.costs.bill import table
from local.costs.prices import HOURS, Prices

LINE_KB = 0.35
"""A request's access line."""

LINES_PER_SECOND, ONE_IN = 50, 20
"""Each of so many successes a second in a task has a line, and one in so many of the others: the settings' defaults."""

ANSWER_KB = 0.9
"""What the load balancer moves for a request, both ways; an LCU is a GB an hour, the first limit that a shop meets."""

SAMPLED, MOST_TRACES = 0.05, 10
"""Traced are the first request of each second in each task, this part of the others, and no more than so many."""


@dataclass(frozen=True, slots=True)
class Load:
    """Requests that come all the time, and the tasks that serve them."""

    name: str
    per_second: float
    tasks: int

    @property
    def millions(self) -> float:
        """Requests a month."""
        return self.per_second * HOURS * 3600 / 1e6

    def costs(self, prices: Prices) -> dict[str, float]:
        """Return dollars a month by what they are for."""
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
    """Return how many lines a second a task writes that answers so many requests a second, all of them well."""
    return min(per_second, LINES_PER_SECOND) + max(0.0, per_second - LINES_PER_SECOND) / ONE_IN


LOADS = (Load("a million a day", 1e6 / 86400, 3), Load("10,000 a second", 10_000, 10))


def traffic(prices: Prices, loads: Sequence[Load] = LOADS) -> str:
    """Return what each load costs in a region."""
    columns = [load.costs(prices) for load in loads]
    lines = [(what, *(f"{column[what]:,.0f}" for column in columns)) for what in columns[0]]
    return table((f"$ a month in {prices.region}", *(load.name for load in loads)), lines, numbers=len(loads))
