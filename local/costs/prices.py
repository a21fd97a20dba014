"""The list prices of two regions, each with its source and date."""

import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from pathlib import Path

FILE = Path(__file__).resolve().parents[2] / "docs" / "prices.toml"
HOURS = 730
"""Hours of a month, as in AWS' calculator."""


class CostError(Exception):
    """The costs cannot be computed; the message says what is missing."""


@dataclass(frozen=True, slots=True)
class Source:
    """The source of a price; without an address it was not looked up."""

    how: str
    date: date
    url: str = ""


@dataclass(frozen=True, slots=True)
class Price:
    """The price of one unit in a region."""

    name: str
    unit: str
    usd: float
    source: Source

    @property
    def monthly(self) -> float:
        """Dollars a month for what runs all the time, and dollars for one of what is counted."""
        return self.usd * HOURS if self.unit == "hour" else self.usd


class Prices:
    """The prices of one region."""

    def __init__(self, region: str, file: Path = FILE) -> None:
        """Read them.

        Raises:
            CostError: there are none of this region.
        """
        document = tomllib.loads(file.read_text(encoding="utf-8"))
        sources = {name: Source(**source) for name, source in document["sources"].items()}
        self.region = region
        self._prices = {
            each["name"]: Price(each["name"], each["unit"], each[region]["usd"], sources[each[region]["source"]])
            for each in document["prices"]
            if region in each
        }
        if not self._prices:
            raise CostError(f"{file.name} has no prices of {region}.")

    def __iter__(self) -> Iterator[Price]:
        """Yield the prices in the order of the file."""
        return iter(self._prices.values())

    def __getitem__(self, name: str) -> Price:
        """Return a price.

        Raises:
            CostError: it has no price in this region.
        """
        if name not in self._prices:
            raise CostError(f'"{name}" has no price in {self.region}: look it up, and write it into docs/prices.toml.')
        return self._prices[name]
