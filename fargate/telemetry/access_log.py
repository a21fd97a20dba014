"""One line of JSON for each request, through Powertools' logger."""

import logging
import sys
import time
from collections.abc import Iterable, Mapping
from typing import Any, TextIO

from aws_lambda_powertools import Logger
from aws_lambda_powertools.logging.formatter import LambdaPowertoolsFormatter

from fargate.identifiers import RequestIds
from fargate.telemetry.exchange import Exchange
from fargate.telemetry.formatter import RequestFormatter, make_powertools_safe

INDISCREET = ("aws_lambda_powertools", "boto3", "botocore", "httpcore", "httpx", "requests", "s3transfer", "urllib3")
_NAMES = {logging.INFO: "INFO", logging.WARNING: "WARNING", logging.ERROR: "ERROR"}
SERVER_ERROR = 500
UNAVAILABLE = 503


class AccessLog:
    """Writes what became of each request.

    Args:
        service: the name under which all lines stand; where the app has a Powertools logger of that name, it is the one
            that writes.
        level: DEBUG, INFO, WARNING, ERROR or CRITICAL.
        secrets: texts that never appear.
    """

    def __init__(self, service: str, level: str, secrets: Iterable[str] = ()) -> None:
        make_powertools_safe()
        self._logger: logging.Logger = logging.getLogger(service)
        drop_plain_handlers(self._logger)
        Logger(service=service, level=level, logger_handler=StdoutHandler())  # sets that very logger up, unless it is
        for handler in self._logger.handlers:
            self._formatter = RequestFormatter(_static_fields(handler.formatter), secrets)
            handler.setFormatter(self._formatter)
        self._logger.propagate = False  # a line once, whatever handlers the root has

    def write(self, exchange: Exchange, ids: RequestIds | None = None) -> None:
        """Write one request's line: without the detour over a LogRecord, which costs three times as much.

        Args:
            exchange: what became of it.
            ids: what it is called; None: as the request being served.
        """
        level = level_of(exchange.status)
        if self._logger.isEnabledFor(level):
            sys.stdout.write(self._formatter.access_line(_NAMES[level], exchange, time.time(), ids) + "\n")


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
