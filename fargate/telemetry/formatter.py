"""Log lines as JSON, with the fields of Powertools' logger and the ids of the request being served."""

import logging
import time
from collections.abc import Iterable, Mapping
from typing import Any

import orjson
from aws_lambda_powertools.logging.formatter import LambdaPowertoolsFormatter

from fargate.http.bounded_cache import remembered
from fargate.http.identifiers import RequestIds
from fargate.patches import powertools_logger
from fargate.telemetry.redaction import redact, request_secrets
from fargate.telemetry.request_record import RequestRecord
from fargate.telemetry.request_scope import RequestScope, current_scope, no_scope

STANDARD = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime", "taskName"}
"""What every record has: what it has beside that was given with `extra` and belongs on the line."""

ACCESS = "http"
"""The field that an access line has and no other."""

WEIGHT = "weight"
"""The last field of an access line: for how many requests it stands."""


def make_powertools_safe() -> None:
    """Keep the keys of requests apart in every Powertools logger of the process. Calling it again changes nothing."""
    powertools_logger.keep_requests_apart(current_scope, no_scope)


class RequestFormatter(LambdaPowertoolsFormatter):
    """Writes a record as one line of JSON, with the ids of the request being served.

    Args:
        static: fields of every line, such as `service`.
        secrets: texts that never appear, whatever a message says.
    """

    def __init__(self, static: Mapping[str, Any], secrets: Iterable[str] = ()) -> None:
        super().__init__(**static)
        self._static = dict(static)
        self._secrets = tuple(secrets)
        self._second: tuple[int, str] = (0, "")
        self._static_members = "".join(f"{json_text(name)}:{_serialize(value)}," for name, value in static.items())
        self._outcomes: dict[tuple[str, str, int], tuple[str, str]] = {}

    def format(self, record: logging.LogRecord) -> str:
        """Return a record's line, without a newline."""
        attributes = vars(record)
        message = record.getMessage() if isinstance(record.msg, str) else record.msg
        line, scope = self._begun(record.levelname, message, record.created)
        line.update({name: value for name, value in attributes.items() if name not in STANDARD})
        self._complete(line, record, scope)
        return _serialize(line)

    def access_line(self, level: str, exchange: RequestRecord, created: float, ids: RequestIds | None = None) -> str:
        """Return the line of an answered request up to its weight; `ids` where it is not the one being served.

        It is put together from pieces of JSON, most of which the last line with the same outcome had as well; only
        where the handler has appended keys is it built like any other. `weighted` completes it.
        """
        scope = current_scope() if ids is None else None
        if scope is not None:
            if self._appended(scope):
                line, _ = self._begun(level, _message(exchange), created)
                line.pop(WEIGHT, None)
                return _serialize({**line, **_access_fields(exchange)}).removesuffix("}")
            ids = scope.ids
        key = exchange[:3]
        head, http = self._outcomes.get(key) or self._outcomes.setdefault(key, _outcome(level, exchange))
        names = ""
        if ids is not None:
            correlation_id, trace_id, request_id = ids.for_logs  # of characters that JSON leaves as they are
            names = f'"correlation_id":"{correlation_id}","xray_trace_id":"{trace_id}","request_id":"{request_id}",'
        cache = "" if exchange.cache is None else f',"cache":{json_text(exchange.cache)}'
        return (
            f'{head}{self._timestamp(created)}",{self._static_members}{names}{http}{exchange.seconds * 1000:.3f},'
            f'"bytes":{exchange.length}}},"client_ip":{json_text(exchange.client)}{cache}'
        )

    def has_appended_keys(self, ids: RequestIds | None = None) -> bool:
        """Tell whether a handler has appended keys, which belong to no other request; `ids` as for `access_line`."""
        scope = current_scope() if ids is None else None
        return scope is not None and bool(self._appended(scope))

    def _begun(self, level: str, message: Any, created: float) -> tuple[dict[str, Any], RequestScope | None]:
        line = {"level": level, "message": message, "timestamp": self._timestamp(created), **self._static}
        scope = current_scope()
        if scope is not None:
            line["correlation_id"], line["xray_trace_id"], line["request_id"] = scope.ids.for_logs
            line.update(self._appended(scope))
        return line, scope

    def _appended(self, scope: RequestScope) -> dict[str, Any]:
        """Return what handlers have appended with Powertools' `append_keys` and the like."""
        keys = scope.log_keys.get(id(self))
        of_thread = self.thread_safe_get_current_keys()
        if not keys and not of_thread:
            return {}
        together = {**(keys or {}), **of_thread}
        return {name: value for name, value in together.items() if name not in _OWN and value is not None}

    def _complete(self, line: dict[str, Any], record: logging.LogRecord, scope: RequestScope | None) -> None:
        """Add what only lines of the program's own have, and take out what is secret."""
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
        """Write a time as RFC 3339 in UTC; the text of the last second is kept."""
        second = int(created)
        known, text = self._second
        if known != second:
            text = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(second))
            self._second = (second, text)
        return f"{text}.{int((created - second) * 1000):03d}Z"


def weighted(line: str, weight: int) -> str:
    """Complete an access line, newline and all."""
    return f'{line},"{WEIGHT}":{weight}}}\n'


@remembered
def json_text(text: str) -> str:
    """Write a text as JSON."""
    return _serialize(text)


def _message(exchange: RequestRecord) -> str:
    return f"{exchange.method} {exchange.route} {exchange.status}"


def _outcome(level: str, exchange: RequestRecord) -> tuple[str, str]:
    """Return what all lines of an outcome begin with, up to the time, and what stands before the duration."""
    head = f'{{"level":"{level}","message":{json_text(_message(exchange))},"timestamp":"'
    method, route = json_text(exchange.method), json_text(exchange.route)
    return head, f'"{ACCESS}":{{"method":{method},"route":{route},"status":{exchange.status},"duration_ms":'


def _access_fields(exchange: RequestRecord) -> dict[str, Any]:
    """Return the fields that an access line has beside those of every line."""
    fields: dict[str, Any] = {
        ACCESS: {
            "method": exchange.method,
            "route": exchange.route,
            "status": exchange.status,
            "duration_ms": round(exchange.seconds * 1000, 3),
            "bytes": exchange.length,
        },
        "client_ip": exchange.client,
    }
    return fields if exchange.cache is None else {**fields, "cache": exchange.cache}


_OWN = frozenset({"level", "location", "message", "timestamp"})


def _redacted(value: Any, secrets: Iterable[str]) -> Any:
    if isinstance(value, str):
        return redact(value, secrets)
    if isinstance(value, dict):
        return {key: _redacted(each, secrets) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return [_redacted(each, secrets) for each in value]
    return value if isinstance(value, int | float | bool | None) else redact(str(value), secrets)


def _serialize(line: Any) -> str:
    try:
        return orjson.dumps(line, default=str, option=orjson.OPT_NON_STR_KEYS).decode()
    except orjson.JSONEncodeError:  # a lone surrogate: written so that it can be read
        return orjson.dumps(_spelled_out(line)).decode()


def _spelled_out(value: Any) -> Any:
    if isinstance(value, dict):
        return {_spelled_out(str(key)): _spelled_out(each) for key, each in value.items()}
    return str(value).encode("utf-8", "backslashreplace").decode()
