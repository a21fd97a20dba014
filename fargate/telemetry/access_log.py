"""One line of JSON for each request, through Powertools' logger."""

import logging
import math
import sys
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, TextIO

from aws_lambda_powertools import Logger
from aws_lambda_powertools.logging.formatter import LambdaPowertoolsFormatter

from fargate.http.identifiers import RequestIds
from fargate.telemetry.formatter import RequestFormatter, make_powertools_safe, weighted
from fargate.telemetry.request_record import RequestRecord
from fargate.telemetry.shared_lines import SharedLines

INDISCREET = ("aws_lambda_powertools", "boto3", "botocore", "httpcore", "httpx", "requests", "s3transfer", "urllib3")
_NAMES = {logging.INFO: "INFO", logging.WARNING: "WARNING", logging.ERROR: "ERROR"}
CLIENT_ERROR = 400
SERVER_ERROR = 500
UNAVAILABLE = 503


@dataclass(frozen=True, slots=True)
class LineRate:
    """How many lines of successes there are.

    Always have one: errors, requests that are slow, that are traced, or whose handler has appended keys to their line.
    """

    lines_per_second: int = 0  # so many successes a second have a line each
    one_in: int = 1  # of the others one in so many has one; 1: all of them
    slow_seconds: float = math.inf  # a request that takes so long is slow


EVERY_LINE = LineRate()


class AccessLog:
    """Writes what became of each request.

    Args:
        service: the name under which all lines stand; where the app has a Powertools logger of that name, it is the one
            that writes.
        level: DEBUG, INFO, WARNING, ERROR or CRITICAL.
        secrets: texts that never appear.
        rate: how many lines there are.
    """

    def __init__(self, service: str, level: str, secrets: Iterable[str] = (), rate: LineRate = EVERY_LINE) -> None:
        make_powertools_safe()
        self._logger: logging.Logger = logging.getLogger(service)
        drop_plain_handlers(self._logger)
        Logger(service=service, level=level, logger_handler=StdoutHandler())  # sets that very logger up, unless it is
        for handler in self._logger.handlers:
            self.formatter = RequestFormatter(_static_fields(handler.formatter), secrets)
            handler.setFormatter(self.formatter)
        self._logger.propagate = False  # a line once, whatever handlers the root has
        self._slow_seconds = rate.slow_seconds
        self._sampling = SharedLines(rate.lines_per_second, rate.one_in, _write) if rate.one_in > 1 else None

    def write(self, exchange: RequestRecord, ids: RequestIds | None = None, *, recorded: bool = False) -> None:
        """Write one request's line: without the detour over a LogRecord, which costs three times as much.

        Args:
            exchange: what became of it.
            ids: what it is called; None: as the request being served.
            recorded: whether its trace is: such a request always has a line of its own.
        """
        level = level_of(exchange.status)
        if not self._logger.isEnabledFor(level):
            return
        now, sampling = time.time(), self._sampling
        if (
            sampling is None
            or exchange.status >= CLIENT_ERROR
            or recorded
            or exchange.seconds >= self._slow_seconds
            or sampling.has_room(now)
            or self.formatter.has_appended_keys(ids)
        ):
            _write(self.formatter.access_line(_NAMES[level], exchange, now, ids), 1)
            return
        outcome = (exchange.method, exchange.route, exchange.status, exchange.cache)
        if not sampling.shares(outcome):
            sampling.begin(outcome, self.formatter.access_line(_NAMES[level], exchange, now, ids))

    def finish(self) -> None:
        """Write the lines that wait for requests to share them."""
        if self._sampling is not None:
            self._sampling.finish()


def _write(line: str, weight: int) -> None:
    sys.stdout.write(weighted(line, weight))


def level_of(status: int) -> int:
    """Tell a fault of the service from a shortage, and both from what a client did."""
    if status < SERVER_ERROR:
        return logging.INFO
    return logging.WARNING if status == UNAVAILABLE else logging.ERROR


class StdoutHandler(logging.StreamHandler[TextIO]):
    """Writes to whatever is standard output when it writes."""

    def __init__(self) -> None:
        logging.Handler.__init__(self)

    @property
    def stream(self) -> TextIO:  # type: ignore[override]
        """Standard output."""
        return sys.stdout

    def flush(self) -> None:
        """Leave it to the stream."""


def _static_fields(formatter: logging.Formatter | None) -> Mapping[str, Any]:
    """Return what the app has given its logger for every line: `service`, and what else it named."""
    if not isinstance(formatter, LambdaPowertoolsFormatter):
        return {}
    built = formatter._build_default_keys()
    return {name: value for name, value in formatter.log_format.items() if value is not None and name not in built}


def configure_logging(service: str, level: str, secrets: Iterable[str]) -> None:
    """Have every line of this process written as JSON: those of the standard library's loggers, and warnings, too.

    Libraries that write down what they send and receive speak from WARNING on, whatever `level` is. Calling it again
    changes the fields of the lines, and keeps the handler: Powertools hangs filters on it.
    """
    ours = [each for each in logging.root.handlers if isinstance(each, StdoutHandler)] or [StdoutHandler()]
    ours[0].setFormatter(RequestFormatter({"service": service}, secrets))
    logging.root.handlers[:] = ours
    logging.root.setLevel(level)
    for name in INDISCREET:
        logging.getLogger(name).setLevel(logging.WARNING)
    logging.captureWarnings(capture=True)


def drop_plain_handlers(logger: logging.Logger) -> None:
    """Have a logger write as everybody does: Chalice gives an app's own a handler that writes plain text."""
    plain = [each for each in logger.handlers if not isinstance(each.formatter, LambdaPowertoolsFormatter)]
    for handler in plain:
        logger.removeHandler(handler)
