"""When a schedule is due: EventBridge's expressions `cron(...)` and `rate(...)`, as its rules read them. All is UTC."""

import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Protocol

from fargate.schedules.cron import parse_cron

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)

UNITS = {"minute": timedelta(minutes=1), "hour": timedelta(hours=1), "day": timedelta(days=1)}
_DIGITS = 9
"""Of a rate's number: more is beyond the calendar."""


class Expression(Protocol):
    """When something is due."""

    def next_after(self, moment: datetime) -> datetime | None:
        """Return the first time that is due after a moment; None if there is none."""


@dataclass(frozen=True, slots=True)
class Rate:
    """Due at every multiple of a time since 1970.

    EventBridge counts from when the rule was made. Here processes start at any time, and all must find the same times:
    a start then neither delays a run nor repeats one.
    """

    interval: timedelta

    def next_after(self, moment: datetime) -> datetime | None:
        """Return the first time that is due after a moment; None beyond the calendar."""
        try:
            return EPOCH + ((moment - EPOCH) // self.interval + 1) * self.interval
        except OverflowError:
            return None


def parse_expression(text: str) -> Expression:
    """Read an expression.

    Raises:
        ValueError: it is malformed; the message says what is wrong.
    """
    match = re.fullmatch(r"(cron|rate)\((.*)\)", text)
    if match is None:
        other = "; at(...) is for EventBridge Scheduler, a rule does not know it" if text.startswith("at(") else ""
        raise ValueError(f"it is neither cron(...) nor rate(...){other}")
    return parse_cron(match[2]) if match[1] == "cron" else _parse_rate(match[2])


def _parse_rate(text: str) -> Rate:
    number, _, unit = text.partition(" ")
    interval = UNITS.get(unit.removesuffix("s"))
    is_number = number.isascii() and number.isdigit() and len(number) <= _DIGITS and int(number) > 0
    if interval is None or not is_number:
        raise ValueError("it is not a positive number and minute, minutes, hour, hours, day or days")
    if (int(number) == 1) == unit.endswith("s"):
        raise ValueError("the unit is singular after 1 and plural after all other numbers")
    return Rate(int(number) * interval)
