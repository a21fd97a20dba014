"""When a schedule's handler is called, on a clock that the test sets."""

import logging
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from fargate.handlers.catalog import Handler
from fargate.handlers.kinds import Kind
from fargate.schedules.course import LONGEST_WAIT_SECONDS, Course
from fargate.schedules.expressions import parse_expression
from fargate.schedules.lease import Alone, NotNow
from fargate.schedules.schedule import Schedule

START = datetime(2026, 11, 28, 12, 0, 30, tzinfo=UTC)


def schedule(text: str) -> Schedule:
    handler = Handler(Kind.SCHEDULE, "job", None, lambda event, context: None)
    return Schedule(handler, text, parse_expression(text))


class Day:
    """A course, its clock and its calls."""

    def __init__(self, text: str = "rate(1 minute)", retries: int = 2, lease: Any = None) -> None:
        self.now = START
        self.calls: list[tuple[str, int]] = []  # due time and attempt
        self.events: list[Any] = []
        self.fields: Mapping[str, Any] = {}
        self.during: Callable[[], bool] = lambda: True
        self.course = Course(schedule(text), self.event_of, self.call, lease or Alone(START), retries, lambda: self.now)

    def event_of(self, schedule: Schedule, due: datetime) -> Any:
        return {"time": due, "seen": []}

    def call(self, schedule: Schedule, event: Any, fields: Mapping[str, Any]) -> bool:
        self.calls.append((fields["due"][11:16], fields["attempt"]))
        self.events.append(event)
        event["seen"].append("changed by the handler")
        self.fields = fields
        return self.during()

    def at(self, minutes: float) -> float:
        """Step until nothing is due, so many minutes after noon."""
        self.now = START.replace(second=0) + timedelta(minutes=minutes)
        while not (wait_seconds := self.course.step()):
            pass
        return wait_seconds


def test_each_due_time_is_run_once() -> None:
    day = Day()
    for minutes in (0.5, 0.99, 1, 1.2, 2, 3.01):
        day.at(minutes)
    assert day.calls == [("12:01", 1), ("12:02", 1), ("12:03", 1)]


def test_a_time_that_is_due_between_the_announcement_and_the_first_look_is_run() -> None:
    day = Day()
    day.at(1)
    assert day.calls == [("12:01", 1)]


def test_it_waits_for_the_due_time_but_reads_the_clock_before() -> None:
    day = Day("rate(1 hour)")
    assert day.at(1) == LONGEST_WAIT_SECONDS
    assert day.at(60 - 1 / 120) == pytest.approx(0.5)


def test_what_becomes_due_during_a_run_is_run_after_it_and_only_once() -> None:
    """The run that is due at 12:01 ends at 12:04:30."""
    day = Day()

    def takes_long() -> bool:
        if len(day.calls) == 1:
            day.now += timedelta(minutes=3.5)
        return True

    day.during = takes_long
    day.at(0.5)
    day.at(1)
    assert day.calls == [("12:01", 1), ("12:04", 1)]
    day.at(5)
    assert day.calls[-1] == ("12:05", 1)


def test_after_a_sleep_of_the_machine_the_last_time_is_run_and_a_warning_says_so(
    caplog: pytest.LogCaptureFixture,
) -> None:
    day = Day()
    day.at(0.5)
    with caplog.at_level(logging.WARNING, "fargate"):
        day.at(61.5)
    assert day.calls == [("13:01", 1)]
    assert caplog.messages == [
        "schedule job, rate(1 minute) runs 30 s late; times due before that are left out: 60",
    ]


def test_one_late_run_is_warned_of(caplog: pytest.LogCaptureFixture) -> None:
    day = Day("cron(0 13 * * ? *)")
    day.at(0.5)
    with caplog.at_level(logging.WARNING, "fargate"):
        day.at(60 + 10)
    assert day.calls == [("13:00", 1)]
    assert caplog.messages == [
        "schedule job, cron(0 13 * * ? *) runs 600 s late; times due before that are left out: 0"
    ]


def test_a_clock_that_is_set_back_repeats_nothing() -> None:
    day = Day()
    for minutes in (0.5, 3, -57, 2.5, 4):
        day.at(minutes)
    assert day.calls == [("12:03", 1), ("12:04", 1)]


def test_what_is_never_due_is_no_error() -> None:
    assert Day("cron(0 0 31 4 ? *)").at(1) == LONGEST_WAIT_SECONDS


def test_a_failed_run_is_repeated_after_one_and_two_minutes_with_the_same_event() -> None:
    day = Day("rate(1 hour)")
    day.during = lambda: False
    for minutes in (0.5, 60, 60.9, 61, 61.5, 62.9, 63, 90):
        day.at(minutes)
    assert day.calls == [("13:00", 1), ("13:00", 2), ("13:00", 3)]
    assert [each["seen"] for each in day.events] == [["changed by the handler"]] * 3


def test_a_repetition_that_succeeds_is_the_last() -> None:
    day = Day("rate(1 hour)")
    day.during = lambda: len(day.calls) == 2
    for minutes in (0.5, 60, 61, 63, 70):
        day.at(minutes)
    assert day.calls == [("13:00", 1), ("13:00", 2)]


def test_repetitions_do_not_keep_the_next_runs_from_their_times() -> None:
    day = Day(retries=1)
    day.during = lambda: False
    for minutes in (0.5, 1, 2, 3):
        day.at(minutes)
    assert day.calls == [("12:01", 1), ("12:01", 2), ("12:02", 1), ("12:02", 2), ("12:03", 1)]


def test_without_retries_a_failed_run_is_over() -> None:
    day = Day("rate(1 hour)", retries=0)
    day.during = lambda: False
    for minutes in (0.5, 60, 61, 63):
        day.at(minutes)
    assert day.calls == [("13:00", 1)]


def test_the_end_says_which_repetitions_are_left_out(caplog: pytest.LogCaptureFixture) -> None:
    day = Day("rate(1 hour)")
    day.during = lambda: False
    day.at(0.5)
    day.at(60)
    day.course.give_up_retries()
    assert caplog.messages == ["schedule job, rate(1 hour): retry 1 of 2026-11-28T13:00:00Z is left out"]
    day.at(61)
    assert len(day.calls) == 1


class Told:
    """A lease that the test gives and takes."""

    renew_seconds = None

    def __init__(self) -> None:
        self.number: int | None = None
        self.last: datetime | None = None
        self.answers = True
        self.claimed_elsewhere = False

    def begun(self, key: str, now: datetime) -> datetime:
        return self.last or now

    def claim(self, number: int, key: str, due: datetime) -> bool:
        self.confirm(number)
        return not self.claimed_elsewhere

    def confirm(self, number: int) -> None:
        if not self.answers or number != self.number:
            raise NotNow


def test_only_the_holder_of_the_lease_runs_and_it_goes_on_where_the_last_one_was() -> None:
    lease = Told()
    day = Day(lease=lease)
    day.at(0.5)
    day.at(5)
    assert day.calls == []
    lease.number, lease.last = 7, START.replace(minute=3, second=0)
    day.at(5.1)
    day.at(6)
    assert day.calls == [("12:05", 1), ("12:06", 1)]
    assert day.fields["lease"] == 7


def test_a_lost_lease_ends_the_repetitions(caplog: pytest.LogCaptureFixture) -> None:
    lease = Told()
    lease.number = 7
    day = Day("rate(1 hour)", lease=lease)
    day.during = lambda: False
    day.at(0.5)
    day.at(60)
    lease.number = None
    day.at(61)
    lease.number, lease.last = 9, START.replace(hour=13, minute=0, second=0)
    day.at(62)
    assert day.calls == [("13:00", 1)]
    assert "retry 1 of 2026-11-28T13:00:00Z is left out" in caplog.messages[0]


def test_while_redis_is_away_nothing_runs_and_then_the_last_time_that_was_due() -> None:
    lease = Told()
    lease.number = 7
    day = Day(lease=lease)
    day.at(0.5)
    lease.answers = False
    assert day.at(2) == LONGEST_WAIT_SECONDS
    day.at(3)
    assert day.calls == []
    lease.answers = True
    day.at(3.5)
    assert day.calls == [("12:03", 1)]


def test_a_repetition_needs_the_lease_too() -> None:
    lease = Told()
    lease.number = 7
    day = Day("rate(1 hour)", lease=lease)
    day.during = lambda: len(day.calls) == 2
    day.at(0.5)
    day.at(60)
    lease.answers = False
    day.at(61)
    assert day.calls == [("13:00", 1)]
    lease.answers = True
    day.at(62)
    assert day.calls == [("13:00", 1), ("13:00", 2)]


def test_what_another_process_has_claimed_is_not_run() -> None:
    lease = Told()
    lease.number, lease.claimed_elsewhere = 7, True
    day = Day(lease=lease)
    day.at(0.5)
    day.at(1)
    assert day.calls == []
