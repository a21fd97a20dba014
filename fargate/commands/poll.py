"""Consume the queues of an app's handlers until SIGTERM, as Lambda would."""

import argparse
import contextlib
import logging
import os
import queue
import signal
import sys
import threading
from collections.abc import Iterator, Mapping, Sequence

from chalice.app import Chalice
from prometheus_client import start_http_server

from fargate.commands.handler_start import enter, prepared
from fargate.commands.program import add_app, add_stage, exit_at_once, program
from fargate.errors import ConfigurationError
from fargate.handlers.catalog import handlers_of
from fargate.handlers.invocation import Invoker
from fargate.lifecycle import Lifecycle, Phase
from fargate.queues.batch_telemetry import BatchMetrics
from fargate.queues.poller import Poller
from fargate.queues.polling import Polling, Signals
from fargate.queues.sources import Source, assign, sources_of
from fargate.queues.sqs import Queues, SqsQueue
from fargate.requirements import check_extra
from fargate.servers.signals import EXIT_STATUS, handling
from fargate.settings import Settings
from fargate.start.announcement import announce_project, announce_reach
from fargate.start.project import Project, project_here
from fargate.telemetry.event_telemetry import event_telemetry_of
from fargate.telemetry.http_metrics import DroppedLines
from fargate.telemetry.stdout import BoundedStdout, bound_stdout
from fargate.telemetry.telemetry import registry_of

logger = logging.getLogger("fargate")

ENDED, CANNOT_START = 0, 2

SPARE_CONNECTIONS = 4
"""Beside one for each thread: heartbeats, and what is given back at the end."""

Consumed = Sequence[tuple[Source, SqsQueue]]


def main(arguments: Sequence[str], environ: Mapping[str, str], lifecycle: Lifecycle) -> int:
    """Consume queues; return the exit status: 0 after an orderly end, 2 if it cannot start."""
    given = _parser().parse_args(arguments)
    stdout = bound_stdout()
    try:
        return run(given, environ, lifecycle, stdout)
    finally:
        stdout.finish()


def run(given: argparse.Namespace, environ: Mapping[str, str], lifecycle: Lifecycle, stdout: BoundedStdout) -> int:
    """Consume queues and return the exit status, as `main` does; log lines go to `stdout`."""
    try:
        check_extra("poll")
        project = project_here(given.stage, environ)
        settings, app = prepared(given.app, project.stage, enter(project, environ))
        telemetry = event_telemetry_of(app, settings)  # before the first request: the app may have it traced
        consumed = _consumed(given.app, app, project, settings)
        _serve_metrics(app, settings, stdout)
    except ConfigurationError as error:
        print(f"Cannot start:\n{error}", file=sys.stderr)
        return CANNOT_START
    announce_project(project)
    announce_reach(app, settings)
    stop = threading.Event()
    invoker = Invoker(app, project.stage, telemetry)
    has_ended = _run(_pollers(app, invoker, settings, consumed, stop), stop, settings, lifecycle)
    logger.info("Stopped" if has_ended else "Stopped; handlers that were still running are cut off")
    return exit_at_once(stdout, ENDED)  # handlers may run, or have left threads, which Python would wait for


def _consumed(target: str, app: Chalice, project: Project, settings: Settings) -> Consumed:
    """Open the queue of each handler; log the handlers that have none.

    Raises:
        ConfigurationError: a queue cannot be consumed, or there is none; a line for each fault.
    """
    handlers = handlers_of(app, target.partition(":")[0])
    assigned = assign(handlers, settings.poll_queues, app.app_name, project.stage)
    sources, without = sources_of(handlers, assigned, settings.poll_concurrency)
    if without:
        logger.warning("Without a queue, so not called; POLL_QUEUES can name one: %s", ", ".join(map(str, without)))
    if not sources:
        raise ConfigurationError("No handler has a queue: it needs on_sqs_message, or POLL_QUEUES for another kind")
    return _opened(sources)


def _opened(sources: Sequence[Source]) -> Consumed:
    queues = Queues(sum(each.concurrency for each in sources) + SPARE_CONNECTIONS)
    opened, faults = [], []
    for source in sources:
        try:
            opened.append((source, queues.open(source.queue)))
        except ConfigurationError as error:
            faults.append(f"{source.handler}: {error}")
    faults += [f"{source.handler}: {fault}" for source, each in opened for fault in source.faults(each)]
    if faults:
        raise ConfigurationError("\n".join(faults))
    _warn_of_shared(opened)
    return opened


def _warn_of_shared(consumed: Consumed) -> None:
    """Log the queues that feed several handlers: Lambda allows that too, but it is seldom meant."""
    handlers: dict[str, list[str]] = {}
    for source, each in consumed:
        handlers.setdefault(each.arn, []).append(str(source.handler))
    for arn, sharing in handlers.items():
        if len(sharing) > 1:
            text = "%s has several handlers, and each message goes to one of them by chance: %s"
            logger.warning(text, arn, ", ".join(sharing))


def _pollers(
    app: Chalice, invoker: Invoker, settings: Settings, consumed: Consumed, stop: threading.Event
) -> list[Poller]:
    metrics = BatchMetrics(registry_of(app))
    wait_seconds = max(1, min(settings.poll_wait_seconds, settings.drain_seconds - 1))  # SIGTERM waits for a receive
    return [Poller(source, each, invoker, metrics, stop, wait_seconds) for source, each in consumed]


def _run(pollers: Sequence[Poller], stop: threading.Event, settings: Settings, lifecycle: Lifecycle) -> bool:
    """Consume until a signal and drain; return whether all handlers have ended."""
    for each in pollers:
        logger.info("%s", each)
    with _signals_into(queue.SimpleQueue(), lifecycle) as signals:
        return Polling(pollers, stop).run(signals, settings.drain_seconds)


@contextlib.contextmanager
def _signals_into(signals: Signals, lifecycle: Lifecycle) -> Iterator[Signals]:
    """Put SIGTERM and SIGINT into a queue while the block runs; the third ends the process at once.

    A second SIGTERM changes nothing: `timeout` and some supervisors send it twice.
    """
    arrived: list[int] = []

    def on_signal(number: int, _frame: object) -> None:
        if arrived and number == signal.SIGTERM:
            return
        arrived.append(number)
        lifecycle.phase = Phase.DRAINING
        if len(arrived) > 2:
            os._exit(EXIT_STATUS + number)
        signals.put(number)

    with handling(on_signal):
        lifecycle.phase = Phase.READY
        yield signals


def _serve_metrics(app: Chalice, settings: Settings, stdout: BoundedStdout) -> None:
    """Serve `/metrics`, if a port is set.

    Raises:
        ConfigurationError: the port cannot be listened on.
    """
    registry = registry_of(app)
    registry.register(DroppedLines(stdout))
    if not settings.metrics_port:
        return
    try:
        start_http_server(settings.metrics_port, settings.host, registry)
    except OSError as error:
        raise ConfigurationError(f"METRICS_PORT {settings.metrics_port} cannot be listened on: {error}") from None


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog=f"{program()} poll",
        description="Consume the queues of a Chalice app's handlers, as Lambda would: one call for each batch, and a "
        "message is deleted only after its handler succeeded.",
        epilog="Exit status: 0: stopped by a signal; 2: it cannot start.",
    )
    add_app(parser)
    add_stage(parser)
    return parser
