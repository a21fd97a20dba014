"""Log lines as JSON, with the fields of Powertools' logger and the ids of the request being served."""

import logging
import time
from collections.abc import Iterable, Mapping
from typing import Any

import orjson
from aws_lambda_powertools.logging.formatter import LambdaPowertoolsFormatter

from fargate.http.bounded_cache import cached
from fargate.patches import powertools_logger, powertools_metrics
from fargate.telemetry.redaction import bounded, redact, request_secrets
from fargate.telemetry.request_record import RequestRecord
from fargate.telemetry.request_scope import RequestScope, current_scope, no_scope

STANDARD = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime", "taskName"}
"""Attributes of every LogRecord; all others come from `extra` and belong on the line."""

ACCESS = "http"
"""The field that only access lines have."""

MOST_BYTES = 16 * 1024
"""The longest text of a message or a field, which may come from a client. Docker splits lines that are longer."""

WEIGHT = "weight"
"""The last field of an access line: how many requests it stands for."""


def make_powertools_safe() -> None:
    """Keep requests apart in every Powertools logger and Metrics of the process. Calling it again changes nothing."""
    powertools_logger.keep_requests_apart(current_scope, no_scope)
    powertools_metrics.keep_requests_apart(current_scope, no_scope)


class RequestFormatter(LambdaPowertoolsFormatter):
    """Formats a LogRecord as one line of JSON, with the ids of the request being served.

    Args:
        static: fields of every line, such as `service`.
        secrets: texts that are replaced.
    """

    def __init__(self, static: Mapping[str, Any], secrets: Iterable[str] = ()) -> None:
        super().__init__(**static)
        self._static = dict(static)
        self._secrets = tuple(secrets)
        self._second: tuple[int, str] = (0, "")
        self._static_members = "".join(f"{json_text(name)}:{_serialize(value)}," for name, value in static.items())
        self._outcomes: dict[tuple[str, str, int], tuple[str, str]] = {}

    def format(self, record: logging.LogRecord) -> str:
        attributes = vars(record)
        message = record.getMessage() if isinstance(record.msg, str) else record.msg
        line, scope = self._begun(record.levelname, message, record.created)
        line.update({name: value for name, value in attributes.items() if name not in STANDARD})
        self._complete(line, record, scope)
        return _serialize(line)

    def access_line(self, level: str, record: RequestRecord, created: float) -> str:
        """Return the access line of the request being served, without its weight, which `weighted` appends.

        The line is concatenated from JSON texts, most of them cached by outcome: serializing a dictionary takes a third
        longer. It is serialized only if the handler has appended keys.

        Args:
            level: the line's level.
            record: the request and its response.
            created: seconds since the epoch.
        """
        scope = current_scope()
        if scope is not None and self._appended(scope):
            line, _ = self._begun(level, _message(record), created)
            line.pop(WEIGHT, None)
            return _serialize({**line, **_access_fields(record)}).removesuffix("}")
        key = record[:3]
        head, http = self._outcomes.get(key) or self._outcomes.setdefault(key, _outcome(level, record))
        names = ""
        if scope is not None:
            correlation_id, trace_id, request_id = scope.ids.for_logs  # they need no JSON escapes
            names = f'"correlation_id":"{correlation_id}","xray_trace_id":"{trace_id}","request_id":"{request_id}",'
        cache = "" if record.cache is None else f',"cache":{json_text(record.cache)}'
        return (
            f'{head}{self._timestamp(created)}",{self._static_members}{names}{http}{record.seconds * 1000:.3f},'
            f'"bytes":{record.length}}},"client_ip":{json_text(record.client)}{cache}'
        )

    def has_appended_keys(self) -> bool:
        """Return whether the handler of the request being served has appended keys to its line."""
        scope = current_scope()
        return scope is not None and bool(self._appended(scope))

    def _begun(self, level: str, message: Any, created: float) -> tuple[dict[str, Any], RequestScope | None]:
        line = {"level": level, "message": message, "timestamp": self._timestamp(created), **self._static}
        scope = current_scope()
        if scope is not None:
            line["correlation_id"], line["xray_trace_id"], line["request_id"] = scope.ids.for_logs
            line.update(self._appended(scope))
        return line, scope

    def _appended(self, scope: RequestScope) -> dict[str, Any]:
        """Return the keys that the handler has appended with Powertools' `append_keys` and the like."""
        keys = scope.log_keys.get(id(self))
        of_thread = self.thread_safe_get_current_keys()
        if not keys and not of_thread:
            return {}
        together = {**(keys or {}), **of_thread}
        return {name: value for name, value in together.items() if name not in _OWN and value is not None}

    def _complete(self, line: dict[str, Any], record: logging.LogRecord, scope: RequestScope | None) -> None:
        """Add the fields that access lines do not have, and redact secrets."""
        line["logger"] = record.name
        line["location"] = f"{record.module}.{record.funcName}:{record.lineno}"
        if record.exc_info and record.exc_info[0]:
            line["exception"] = self.formatException(record.exc_info)
            line["exception_name"] = record.exc_info[0].__name__
        secrets = self._secrets
        if scope is not None and scope.request is not None:
            secrets = (*secrets, *request_secrets(scope.request))
        for name, value in line.items():
            if name not in self._static:
                line[name] = _redacted(value, secrets)

    def _timestamp(self, created: float) -> str:
        """Return a time as RFC 3339 in UTC; the text of the last second is cached."""
        second = int(created)
        known, text = self._second
        if known != second:
            text = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(second))
            self._second = (second, text)
        return f"{text}.{int((created - second) * 1000):03d}Z"


def weighted(line: str, weight: int) -> str:
    """Append the weight and a newline to an access line."""
    return f'{line},"{WEIGHT}":{weight}}}\n'


@cached
def json_text(text: str) -> str:
    """Return a text as JSON."""
    return _serialize(text)


def _message(record: RequestRecord) -> str:
    return f"{record.method} {record.route} {record.status}"


def _outcome(level: str, record: RequestRecord) -> tuple[str, str]:
    """Return the JSON before the time and before the duration, which all lines of an outcome share."""
    head = f'{{"level":"{level}","message":{json_text(_message(record))},"timestamp":"'
    method, route = json_text(record.method), json_text(record.route)
    return head, f'"{ACCESS}":{{"method":{method},"route":{route},"status":{record.status},"duration_ms":'


def _access_fields(record: RequestRecord) -> dict[str, Any]:
    """Return the fields that only access lines have."""
    fields: dict[str, Any] = {
        ACCESS: {
            "method": record.method,
            "route": record.route,
            "status": record.status,
            "duration_ms": round(record.seconds * 1000, 3),
            "bytes": record.length,
        },
        "client_ip": record.client,
    }
    return fields if record.cache is None else {**fields, "cache": record.cache}


_OWN = frozenset({"level", "location", "message", "timestamp"})


def _redacted(value: Any, secrets: Iterable[str]) -> Any:
    if isinstance(value, str):
        return bounded(redact(value, secrets), MOST_BYTES)
    if isinstance(value, dict):
        return {key: _redacted(each, secrets) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return [_redacted(each, secrets) for each in value]
    return value if isinstance(value, int | float | bool | None) else bounded(redact(str(value), secrets), MOST_BYTES)


def _serialize(line: Any) -> str:
    try:
        return orjson.dumps(line, default=str, option=orjson.OPT_NON_STR_KEYS).decode()
    except orjson.JSONEncodeError:  # a lone surrogate
        return orjson.dumps(_escaped(line)).decode()


def _escaped(value: Any) -> Any:
    if isinstance(value, dict):
        return {_escaped(str(key)): _escaped(each) for key, each in value.items()}
    return str(value).encode("utf-8", "backslashreplace").decode()
