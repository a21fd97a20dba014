"""The log line of each request on Lambda, written by a Chalice middleware.

It has the same fields as the line that `fargate/` writes in a container (tests/fargate/telemetry compares them).
"""

import json
import logging
import os
import re
import time
from collections.abc import Callable, Mapping
from typing import Any

from aws_lambda_powertools import Logger
from chalice.app import Chalice, Request, Response

RUNS_ON_LAMBDA = "AWS_LAMBDA_FUNCTION_NAME"
TRACE = "_X_AMZN_TRACE_ID"
SERVER_ERROR = 500
UNAVAILABLE = 503
_REQUEST_ID = re.compile(r"[A-Za-z0-9._:/+=@-]{1,128}")
"""What a client may send as X-Request-Id, as in a container."""

GetResponse = Callable[[Request], Response]


def observe(app: Chalice, environ: Mapping[str, str] = os.environ) -> None:
    """On Lambda, write a log line for each of the app's requests. In a container, the adapter does."""
    if RUNS_ON_LAMBDA not in environ:
        return
    service = environ.get("POWERTOOLS_SERVICE_NAME") or app.app_name
    app.log.handlers.clear()  # Chalice's handler writes text, and writes each of Powertools' lines a second time
    logger = Logger(service=service, use_rfc3339=True, utc=True, location=None)
    shop = logging.getLogger("shop")
    shop.handlers[:] = app.log.handlers[:] = logger.handlers
    shop.setLevel(logger.log_level)
    shop.propagate = False  # Lambda's own handler would write each line a second time, as text

    @app.middleware("http")
    def write_line(request: Request, get_response: GetResponse) -> Response:
        began = time.perf_counter()
        correlation_id = _correlation_id(request, environ)
        try:
            response = get_response(request)
        except Exception:
            _write(logger, request, correlation_id, Response("", {}, SERVER_ERROR), time.perf_counter() - began)
            raise
        if correlation_id == request.headers.get("x-request-id"):
            response.headers["X-Request-Id"] = correlation_id
        _write(logger, request, correlation_id, response, time.perf_counter() - began)
        return response


def _write(logger: Logger, request: Request, correlation_id: str, response: Response, seconds: float) -> None:
    status, method, route = response.status_code, request.method, request.context["resourcePath"]
    fields: dict[str, Any] = {
        "correlation_id": correlation_id,
        "request_id": request.context["requestId"],
        "http": {
            "method": method,
            "route": route,
            "status": status,
            "duration_ms": round(seconds * 1000, 3),
            "bytes": 0 if method == "HEAD" else _length(response.body),
        },
        "client_ip": request.context["identity"]["sourceIp"],
    }
    if "X-Cache" in response.headers:
        fields["cache"] = response.headers["X-Cache"]
    fields["weight"] = 1  # one line per request; in a container, a line may stand for more
    write = logger.info if status < SERVER_ERROR else logger.warning if status == UNAVAILABLE else logger.error
    write(f"{method} {route} {status}", extra=fields)


def _correlation_id(request: Request, environ: Mapping[str, str]) -> str:
    """Return the client's X-Request-Id, else the trace's root, else API Gateway's request id."""
    trace = environ.get(TRACE) or request.headers.get("x-amzn-trace-id", "")
    root = trace.partition("Root=")[2].partition(";")[0]
    sent = request.headers.get("x-request-id", "")
    return sent if _REQUEST_ID.fullmatch(sent) else root or str(request.context["requestId"])


def _length(body: Any) -> int:
    if isinstance(body, bytes):
        return len(body)
    text = body if isinstance(body, str) else json.dumps(body, separators=(",", ":"))
    return len(text.encode())
