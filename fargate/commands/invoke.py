"""Call one handler of an app with one event, as Lambda would: for EventBridge Scheduler, Step Functions, cron, a shell.

What must hold: standard output has what Lambda would answer and nothing else. Log lines, and all that the handler
prints, go to standard error.
"""

import argparse
import json
import logging
import os
import sys
import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from chalice.app import Chalice

from fargate.commands.handler_start import enter, prepared
from fargate.commands.program import add_stage, program, starting
from fargate.errors import ConfigurationError
from fargate.handlers.catalog import Handler, HandlerCall, find_handler, handlers_of
from fargate.handlers.events import read_event
from fargate.handlers.invocation import DEADLINE_SECONDS, Answer, Invoker
from fargate.handlers.samples import sample_of
from fargate.lifecycle import Lifecycle, Phase
from fargate.servers.signals import EXIT_STATUS, Interruption, exit_on_signals
from fargate.start.application import load_app
from fargate.start.project import project_here
from fargate.start.streams import ResultStream
from fargate.telemetry.event_telemetry import EventTelemetry, event_telemetry_of
from fargate.telemetry.xray.emitter import emitter_to

SUCCEEDED, RAISED, CANNOT_START = 0, 1, 2

TRACE_VARIABLE = "_X_AMZN_TRACE_ID"
"""Where Lambda puts the caller's trace."""

LOOKUP_SECONDS = 1.0
"""How long the call waits for a name server, so that the segment of a short one has where to go."""


def main(arguments: Sequence[str], environ: Mapping[str, str], lifecycle: Lifecycle) -> int:
    """Call a handler, print what it returns, and end the process with the exit status."""
    given = _parser().parse_args(arguments)
    stream = ResultStream()
    try:
        status = run(given, environ, lifecycle, stream)
    except ConfigurationError as error:
        print(f"Cannot start:\n{error}", file=sys.stderr)
        status = CANNOT_START
    return _end(status)


def run(given: argparse.Namespace, environ: Mapping[str, str], lifecycle: Lifecycle, stream: ResultStream) -> int:
    """Call a handler, write its result to `stream` and return the exit status.

    Raises:
        ConfigurationError: there is no such event, project, app or handler, or a setting is wrong.
    """
    is_sample = given.sample or given.print_sample
    event = None if is_sample else read_event(given.event)
    project = project_here(given.stage, environ, given.name)
    environ = enter(project, environ)
    app, handler = _find(given, project.stage)
    if is_sample:
        event = sample_of(handler, app.app_name, project.stage, time.time())
    if given.print_sample:
        stream.write(json.dumps(event, ensure_ascii=False, indent=2).encode() + b"\n")
        return SUCCEEDED
    invoker = Invoker(app, project.stage, _telemetry(given.app, project.stage, environ))
    interruption = Interruption()
    handler = replace(handler, call=_interruptible(handler.call, interruption, lifecycle))
    answer = invoker.invoke(handler, event, given.deadline_seconds, environ.get(TRACE_VARIABLE))
    stream.write(answer.payload)
    return _status(answer, interruption)


def _find(given: argparse.Namespace, stage: str) -> tuple[Chalice, Handler]:
    with starting(given.app):
        app = load_app(given.app)
    return app, find_handler(handlers_of(app, given.app.partition(":")[0]), given.name, app.app_name, stage)


def _telemetry(target: str, stage: str, environ: Mapping[str, str]) -> EventTelemetry:
    """Read the settings, run the app's own checks, and build what records the call."""
    settings, app = prepared(target, stage, environ)
    if not settings.powertools_trace_disabled:
        emitter_to(settings.aws_xray_daemon_address).await_address(LOOKUP_SECONDS)
    return event_telemetry_of(app, settings)


def _interruptible(call: HandlerCall, interruption: Interruption, lifecycle: Lifecycle) -> HandlerCall:
    """Let a signal raise SystemExit in a handler, so that its `finally` blocks run."""

    def interruptible(event: Any, context: Any) -> Any:
        with exit_on_signals(interruption):
            lifecycle.phase = Phase.READY
            return call(event, context)

    return interruptible


def _status(answer: Answer, interruption: Interruption) -> int:
    if answer.error is None:
        return SUCCEEDED
    return RAISED if interruption.number is None else EXIT_STATUS + interruption.number


def _end(status: int) -> int:
    """Return the status; if the handler has left threads, end the process with it. Lambda freezes them."""
    if any(not each.daemon and each is not threading.main_thread() for each in threading.enumerate()):
        logging.shutdown()
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(status)
    return status


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog=f"{program()} invoke",
        description="Call one handler of a Chalice app, as Lambda would. Standard output has what the handler returns "
        "as JSON, or the error's shape; logs and prints go to standard error.",
        epilog="Exit status: 0: it returned; 1: it raised, or its result is not JSON; 2: it was not called; 143 and "
        "130: stopped by SIGTERM and Ctrl-C.",
    )
    parser.add_argument("name", metavar="NAME", help="the handler's name, or that of its Lambda function")
    parser.add_argument("--app", default="app:app", metavar="MODULE:ATTRIBUTE", help="default: app:app")
    add_stage(parser)
    events = parser.add_mutually_exclusive_group()
    events.add_argument("--event", metavar="FILE", help="a file, - for standard input, or JSON such as '{\"id\": 1}'")
    events.add_argument("--sample", action="store_true", help="call it with a sample event of its kind")
    events.add_argument("--print-sample", action="store_true", help="print that sample; call nothing")
    parser.add_argument(
        "--deadline-seconds",
        type=_seconds,
        default=DEADLINE_SECONDS,
        metavar="N",
        help="the remaining time that the handler sees at first; it is not enforced; default: %(default)s, as long as "
        "Lambda's longest time-out",
    )
    return parser


def _seconds(text: str) -> int:
    if not text.isascii() or not text.isdigit() or not int(text):
        raise argparse.ArgumentTypeError(f"{text!r} is not a number of seconds")
    return int(text)
