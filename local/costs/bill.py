"""The bill of a plan as a table, and the prices behind it."""

from collections.abc import Iterable, Iterator, Sequence

from local.costs.plan import Plan
from local.costs.prices import HOURS, Prices
from local.costs.rules import BY_USE, FREE, ROWS, items


def bill(plan: Plan, regions: Sequence[Prices]) -> str:
    """Return a plan's costs a month and a day in each region, row by row."""
    counts: dict[str, dict[str, float]] = {}
    for item in items(plan):
        row = counts.setdefault(item.row, {})
        row[item.price] = row.get(item.price, 0) + item.count
    costs = {row: [_sum(prices, counts[row]) for prices in regions] for row in ROWS if row in counts}
    totals = [sum(column) for column in zip(*costs.values(), strict=True)]
    lines = [(row, _told(counts[row]), *(f"{usd:,.2f}" for usd in costs[row])) for row in costs]
    lines.append(("**a month**", "", *(f"**{usd:,.0f}**" for usd in totals)))
    lines.append(("**a day**", "", *(f"**{usd * 24 / HOURS:,.2f}**" for usd in totals)))
    return table((plan.environment, "", *(f"$ in {prices.region}" for prices in regions)), lines, numbers=len(regions))


def free(plan: Plan) -> str:
    """Return the types of the plan's resources that are free, or cost by use only."""
    types = {each.type for each in plan.resources}
    lines = ["Free: " + ", ".join(sorted(types & FREE)) + "."]
    lines += [f"{each}: {BY_USE[each]}." for each in sorted(types & BY_USE.keys())]
    return "\n".join(lines)


def price_list(regions: Sequence[Prices]) -> str:
    """Return every price, and mark those that were not looked up."""
    lines = [(price.name, price.unit, *(_price(prices, price.name) for prices in regions)) for price in regions[0]]
    return table(("price", "for each", *(prices.region for prices in regions)), lines, numbers=len(regions))


def table(head: Sequence[str], lines: Iterable[Sequence[str]], numbers: int) -> str:
    """Return a table in Markdown; its last columns are numbers."""
    rule = ["---"] * (len(head) - numbers) + ["---:"] * numbers
    return "\n".join("| " + " | ".join(cells) + " |" for cells in (head, rule, *lines))


def _sum(prices: Prices, counts: dict[str, float]) -> float:
    return sum(prices[name].monthly * count for name, count in counts.items())


def _told(counts: dict[str, float]) -> str:
    return ", ".join(_counted(counts))


def _counted(counts: dict[str, float]) -> Iterator[str]:
    for name, count in counts.items():
        yield f"{count:g} x {name}"


def _price(prices: Prices, name: str) -> str:
    price = prices[name]
    return f"{price.usd:g}" if price.source.url else f"{price.usd:g} (not looked up)"
