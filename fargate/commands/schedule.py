"""Run the schedules of an app until SIGTERM, as EventBridge and Lambda would."""

import argparse
import contextlib
import logging
import os
import queue
import signal
import sys
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any

from chalice.app import Chalice

from fargate.commands.handler_start import enter, prepared
from fargate.commands.program import add_app, add_stage, exit_at_once, program
from fargate.errors import ConfigurationError
from fargate.handlers.catalog import Handler, handlers_of
from fargate.handlers.invocation import DEADLINE_SECONDS, Invoker
from fargate.handlers.kinds import Kind
from fargate.handlers.samples import sample_of
from fargate.lifecycle import Lifecycle, Phase
from fargate.schedules.course import Course
from fargate.schedules.lease import Alone, Lease, redis_lease
from fargate.schedules.runner import Runner, WallClock
from fargate.schedules.schedule import Schedule, schedules_of
from fargate.servers.signals import EXIT_STATUS, handling
from fargate.settings import Settings
from fargate.start.announcement import announce_project, announce_reach
from fargate.start.project import Project, project_here
from fargate.telemetry.event_telemetry import event_telemetry_of
from fargate.telemetry.stdout import BoundedStdout, bound_stdout
from fargate.threads.main_thread import taken

logger = logging.getLogger("fargate")

ENDED, CUT_OFF, CANNOT_START = 0, 1, 2


def main(arguments: Sequence[str], environ: Mapping[str, str], lifecycle: Lifecycle) -> int:
    """Run schedules; return the exit status."""
    given = _parser().parse_args(arguments)
    stdout = bound_stdout()
    try:
        return run(given, environ, lifecycle, stdout)
    finally:
        stdout.finish()


def run(
    given: argparse.Namespace,
    environ: Mapping[str, str],
    lifecycle: Lifecycle,
    stdout: BoundedStdout,
    clock: WallClock | None = None,
) -> int:
    """Run schedules and return the exit status, as `main` does; log lines go to `stdout`."""
    clock = clock or WallClock()
    try:
        project = project_here(given.stage, environ)
        settings, app = prepared(given.app, project.stage, enter(project, environ))
        handlers = handlers_of(app, given.app.partition(":")[0])
        schedules = _schedules(given.app, handlers)
        now = clock.now()
        lease = _lease(app, project, settings, now)
    except ConfigurationError as error:
        print(f"Cannot start:\n{error}", file=sys.stderr)
        return CANNOT_START
    announce_project(project)
    announce_reach(app, settings)
    _announce(schedules, handlers, now)
    cut_off = _run(_courses(app, project, settings, schedules, lease, clock), lease, clock, settings, lifecycle)
    for each in cut_off:
        logger.error("%s was still running after %d s and is cut off", each.schedule, settings.drain_seconds)
    logger.info("Stopped")
    status = CUT_OFF if cut_off else ENDED
    return exit_at_once(stdout, status)  # handlers may have left threads, which Python would wait for


def _schedules(target: str, handlers: Sequence[Handler]) -> list[Schedule]:
    schedules = schedules_of(handlers)
    if not schedules:
        raise ConfigurationError(f"{target} has no schedule: no handler with @app.schedule")
    return schedules


def _lease(app: Chalice, project: Project, settings: Settings, now: datetime) -> Lease:
    if not settings.schedule_redis_url:
        return Alone(now)
    name = f"{app.app_name}-{project.stage}"
    return redis_lease(settings.schedule_redis_url, name, settings.schedule_lease_seconds)


def _announce(schedules: Sequence[Schedule], handlers: Sequence[Handler], now: datetime) -> None:
    """Log when each schedule is due, and which handlers of EventBridge wait for events."""
    for schedule in schedules:
        logger.info("%s", schedule.announced(now))
    if others := ", ".join(str(each) for each in handlers if each.kind is Kind.CW_EVENT):
        logger.info("Run by chalice-fargate poll, since they wait for events and not for a time: %s", others)


def _courses(
    app: Chalice, project: Project, settings: Settings, schedules: Sequence[Schedule], lease: Lease, clock: WallClock
) -> list[Course]:
    invoker = Invoker(app, project.stage, event_telemetry_of(app, settings))

    def event_of(schedule: Schedule, due: datetime) -> Any:
        return sample_of(schedule.handler, app.app_name, project.stage, due.timestamp())

    def call(schedule: Schedule, event: Any, fields: Mapping[str, Any]) -> bool:
        return invoker.invoke(schedule.handler, event, DEADLINE_SECONDS, more=fields).error is None

    return [Course(each, event_of, call, lease, settings.schedule_retries, clock.now) for each in schedules]


def _run(
    courses: Sequence[Course], lease: Lease, clock: WallClock, settings: Settings, lifecycle: Lifecycle
) -> Sequence[Course]:
    """Run schedules until a signal; return those that have not ended in time."""
    runner = Runner(courses, lease, clock)
    with _signals(lifecycle) as signals:
        runner.start()
        taken(signals)
        for each in courses:
            if each.running is not None:
                logger.info("%s still runs; it may end within %d s", each.schedule, settings.drain_seconds)
        return runner.finish(settings.drain_seconds)


@contextlib.contextmanager
def _signals(lifecycle: Lifecycle) -> Iterator["queue.SimpleQueue[int]"]:
    """Put SIGTERM and SIGINT into a queue while the block runs; a SIGINT after one of them ends the process at once.

    A second SIGTERM changes nothing: `timeout` and some supervisors send it twice.
    """
    signals: queue.SimpleQueue[int] = queue.SimpleQueue()

    def on_signal(number: int, _frame: object) -> None:
        if number == signal.SIGINT and lifecycle.phase is Phase.DRAINING:
            os._exit(EXIT_STATUS + number)
        lifecycle.phase = Phase.DRAINING
        signals.put(number)

    with handling(on_signal):
        lifecycle.phase = Phase.READY
        yield signals


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog=f"{program()} schedule",
        description="Run the schedules of a Chalice app, as EventBridge and Lambda would, in UTC. Without "
        "SCHEDULE_REDIS_URL, run one process and no more; with it, one of several runs them.",
        epilog="Exit status: 0: stopped by a signal; 1: the same, and a run was cut off; 2: it cannot start.",
    )
    add_app(parser)
    add_stage(parser)
    return parser
