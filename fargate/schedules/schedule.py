"""The schedules of an app, with their expressions read."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from chalice.app import ScheduleExpression

from fargate.errors import ConfigurationError
from fargate.handlers.catalog import Handler
from fargate.handlers.kinds import Kind
from fargate.schedules.expressions import Expression, parse_expression


@dataclass(frozen=True, slots=True)
class Schedule:
    """A handler, and when it is due."""

    handler: Handler
    text: str  # its expression
    expression: Expression

    @property
    def key(self) -> str:
        """What tells it from all others of the app; with another expression, it is another schedule."""
        return f"{self.handler.name} {self.text}"

    def __str__(self) -> str:
        return f"{self.handler}, {self.text}"

    def announced(self, now: datetime) -> str:
        """Return a line that says when it is due next."""
        due = self.expression.next_after(now)
        return f"{self} is never due again" if due is None else f"{self} is due next at {stamp(due)}"


def schedules_of(handlers: Iterable[Handler]) -> list[Schedule]:
    """Return the schedules among handlers.

    Raises:
        ConfigurationError: an expression is malformed; a line for each.
    """
    schedules, faults = [], []
    for handler in (each for each in handlers if each.kind is Kind.SCHEDULE):
        text = _text_of(handler.config.schedule_expression)
        try:
            schedules.append(Schedule(handler, text, parse_expression(text)))
        except ValueError as error:
            faults.append(f"{handler}: {text!r} cannot be read: {error}")
    if faults:
        raise ConfigurationError("\n".join(faults))
    return schedules


def stamp(moment: datetime) -> str:
    """Return a time in UTC as EventBridge writes it."""
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")


def _text_of(expression: ScheduleExpression | str) -> str:
    return expression.to_string() if isinstance(expression, ScheduleExpression) else str(expression)
