"""The access log: a line of JSON for each request and each call for an event, in the form of Powertools' logger."""

import logging
import math
import sys
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, TextIO

from aws_lambda_powertools import Logger
from aws_lambda_powertools.logging.formatter import LambdaPowertoolsFormatter

from fargate.settings import Settings
from fargate.telemetry.log_lines import RequestFormatter, make_powertools_safe, weighted
from fargate.telemetry.request_record import EventRecord, RequestRecord
from fargate.telemetry.shared_lines import SharedLines

CHATTY = ("aws_lambda_powertools", "boto3", "botocore", "httpcore", "httpx", "requests", "s3transfer", "urllib3")
"""Libraries that log what they send and receive."""

_NAMES = {logging.INFO: "INFO", logging.WARNING: "WARNING", logging.ERROR: "ERROR"}
INVOCATION = "invocation"
"""The field that only lines of calls for events have."""

STDOUT, STDERR = 1, 2
CLIENT_ERROR = 400
SERVER_ERROR = 500
UNAVAILABLE = 503


@dataclass(frozen=True, slots=True)
class LineRate:
    """How many successful requests, or calls for events, get a line of their own.

    Those that fail, are slow, are traced, or have keys appended by their handler always get one.
    """

    lines_per_second: int = 0  # so many successes a second get a line each
    one_in: int = 1  # of the others, so many share one line
    slow_seconds: float = math.inf  # a request is slow from this duration on


EVERY_LINE = LineRate()


def line_rate_of(settings: Settings) -> LineRate:
    """Return the rate that the settings say."""
    slow_seconds = settings.access_log_slow_ms / 1000
    return LineRate(settings.access_log_lines_per_second, settings.access_log_one_in, slow_seconds)


class AccessLog:
    """Writes a line for each request.

    Args:
        service: the lines' `service`. If the app has a Powertools logger of that name, its fields are on the lines too.
        level: DEBUG, INFO, WARNING, ERROR or CRITICAL; empty: INFO, or DEBUG where the app has set that for its logger.
        secrets: texts that are replaced in log lines.
        rate: how many lines there are.
    """

    def __init__(self, service: str, level: str, secrets: Iterable[str] = (), rate: LineRate = EVERY_LINE) -> None:
        make_powertools_safe()
        self._level = level
        self._logger: logging.Logger = logging.getLogger(service)
        _drop_console(self._logger)
        # Powertools configures that same logger, unless the app has configured it already.
        Logger(service=service, level=_level_for(self._logger, level), logger_handler=StdoutHandler())
        for handler in filter(_is_structured, self._logger.handlers):
            self.formatter = RequestFormatter(_static_fields(handler.formatter), secrets)
            handler.setFormatter(self.formatter)
        self._logger.propagate = False  # else handlers of the root logger would write the line again
        self._slow_seconds = rate.slow_seconds
        self._shared = SharedLines(rate.lines_per_second, rate.one_in, _write) if rate.one_in > 1 else None

    def write(self, record: RequestRecord, *, recorded: bool = False) -> None:
        """Write the line of the request being served, without a LogRecord, which would cost three times as much.

        Args:
            record: the request and its response.
            recorded: whether the request is traced.
        """
        level = level_of(record.status)
        if not self._logger.isEnabledFor(level):
            return
        now, shared = time.time(), self._shared
        if (
            shared is None
            or record.status >= CLIENT_ERROR
            or recorded
            or record.seconds >= self._slow_seconds
            or shared.has_room(now)
            or self.formatter.has_appended_keys()
        ):
            _write(self.formatter.access_line(_NAMES[level], record, now), 1)
            return
        outcome = (record.method, record.route, record.status, record.cache)
        if not shared.shares(outcome):
            shared.begin(outcome, self.formatter.access_line(_NAMES[level], record, now))

    def write_event(self, record: EventRecord, fields: Mapping[str, Any], *, recorded: bool) -> None:
        """Write the line of a handler's call for an event.

        Args:
            record: the call.
            fields: what the line says of it.
            recorded: whether the call is traced.
        """
        level = logging.INFO if record.error is None else logging.ERROR
        message, extra = f"{record.kind} {record.name} {record.outcome}", {INVOCATION: fields}
        if not self._logger.isEnabledFor(level) or not self._shares(record, recorded=recorded):
            self._logger.log(level, message, exc_info=record.error, extra=extra)
            return
        outcome = (record.kind, record.name)
        if self._shared is not None and not self._shared.shares(outcome):
            name = self._logger.name
            line = self._logger.makeRecord(name, level, __file__, 0, message, (), None, "write_event", extra)
            self._shared.begin(outcome, self.formatter.format(line).removesuffix("}"))

    def _shares(self, record: EventRecord, *, recorded: bool) -> bool:
        """Return whether a call shares its line with others."""
        return not (
            self._shared is None
            or record.error is not None
            or recorded
            or record.seconds >= self._slow_seconds
            or self._shared.has_room(time.time())
            or self.formatter.has_appended_keys()
        )

    def adopt(self, logger: logging.Logger) -> None:
        """Write an app's plain-text logger as JSON too. Chalice's logger hands nothing on to the root logger."""
        if not _drop_console(logger):
            return
        handler = StdoutHandler()
        handler.setFormatter(self.formatter)
        logger.addHandler(handler)
        logger.setLevel(_level_for(logger, self._level))

    def finish(self) -> None:
        """Write the lines that wait for others to share them."""
        if self._shared is not None:
            self._shared.finish()


def _write(line: str, weight: int) -> None:
    sys.stdout.write(weighted(line, weight))


def level_of(status: int) -> int:
    """Return ERROR for an error of the service, WARNING for 503, else INFO."""
    if status < SERVER_ERROR:
        return logging.INFO
    return logging.WARNING if status == UNAVAILABLE else logging.ERROR


class StdoutHandler(logging.StreamHandler[TextIO]):
    """Writes to the current `sys.stdout`, also if that is replaced later."""

    def __init__(self) -> None:
        logging.Handler.__init__(self)

    @property
    def stream(self) -> TextIO:  # type: ignore[override]
        return sys.stdout

    def flush(self) -> None:
        """No-op."""


def _static_fields(formatter: logging.Formatter | None) -> Mapping[str, Any]:
    """Return the fields that the app has given its logger: `service` and its own."""
    if not isinstance(formatter, LambdaPowertoolsFormatter):
        return {}
    built = formatter._build_default_keys()
    return {name: value for name, value in formatter.log_format.items() if value is not None and name not in built}


def configure_logging(service: str, level: str, secrets: Iterable[str]) -> None:
    """Write all log lines of this process as JSON, those of the standard library's loggers and warnings included.

    The libraries in `CHATTY` log from WARNING on, regardless of `level`. Handlers that the app has added stay, unless
    they write to the console, where each line would be written again. Calling it again changes the fields of the lines
    and keeps the handler, because Powertools adds filters to it.

    Args:
        service: the lines' `service`.
        level: of the root logger; empty: the one that it has, which the app may have set.
        secrets: texts that are replaced in log lines.
    """
    ours = next((each for each in logging.root.handlers if isinstance(each, StdoutHandler)), None) or StdoutHandler()
    ours.setFormatter(RequestFormatter({"service": service}, secrets))
    logging.root.handlers[:] = [ours, *(each for each in logging.root.handlers if not _is_console(each))]
    if level:
        logging.root.setLevel(level)
    logging.getLogger("fargate").setLevel(level or "INFO")
    for name in CHATTY:
        logging.getLogger(name).setLevel(logging.WARNING)
    logging.captureWarnings(capture=True)


def _level_for(logger: logging.Logger, level: str) -> int:
    """Return the level of an app's logger: the one that is set, or else INFO, or DEBUG if the app has set that.

    Chalice sets ERROR unless an app is in debug mode, so no higher level is known to be the app's wish.
    """
    if level:
        return logging.getLevelNamesMapping()[level]
    return min(logger.level or logging.INFO, logging.INFO)


def _drop_console(logger: logging.Logger) -> bool:
    """Remove a logger's plain-text handlers to the console: Chalice adds one to an app's logger. Return: had it any?"""
    plain = [each for each in logger.handlers if _is_console(each) and not _is_structured(each)]
    for handler in plain:
        logger.removeHandler(handler)
    return bool(plain)


def _is_structured(handler: logging.Handler) -> bool:
    return isinstance(handler.formatter, LambdaPowertoolsFormatter)


def _is_console(handler: logging.Handler) -> bool:
    """Tell whether a handler writes to standard output or error. An app's other handlers do something else."""
    return isinstance(handler, logging.StreamHandler) and (
        handler.stream in (sys.stdout, sys.stderr) or _descriptor(handler.stream) in (STDOUT, STDERR)
    )


def _descriptor(stream: Any) -> int | None:
    """Return where a stream writes to; None if it is in memory or closed."""
    try:
        return int(stream.fileno())
    except (AttributeError, OSError, ValueError):
        return None
