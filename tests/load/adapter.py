"""`make bench-adapter`: the CPU time per request that the adapter adds to Chalice, in one run.

Ways to answer the same warm route take turns: the bare `app(event, context)` call, the gateway (which builds that
event), the WSGI callable (which reads a request from an environ as waitress leaves it), and the gateway with all that
`python -m fargate` records of a request. The figure that counts is the ratio: it holds on machines of different speed.

Then what a log line costs: ours, and Powertools' logger as it is.
"""

import io
import os
import statistics
import sys
import time
from collections.abc import Callable

from aws_lambda_powertools import Logger
from chalice.app import Chalice

from fargate.gateway.context import LambdaContext, identity_of
from fargate.gateway.core import Gateway
from fargate.http.identifiers import IdentifierSource
from fargate.http.messages import HttpRequest
from fargate.settings import Settings
from fargate.telemetry.access_log import AccessLog
from fargate.telemetry.request_record import RequestRecord
from fargate.telemetry.request_scope import RequestScope, enter_scope
from fargate.telemetry.stdout import BoundedStdout
from fargate.telemetry.telemetry import telemetry_of
from fargate.wsgi import HEADERS_KEY, create_wsgi_app

BARE = "bare app(event, context)"
ROUNDS = 15
CALLS = 4000
HEADERS = [
    ("Host", "shop.example.com"),
    ("User-Agent", "benchmark/1.0"),
    ("Accept", "*/*"),
    ("Accept-Encoding", "gzip, deflate"),
    ("X-Forwarded-For", "203.0.113.7"),
    ("X-Forwarded-Proto", "https"),
    ("X-Forwarded-Port", "443"),
    ("X-Amzn-Trace-Id", "Root=1-67891233-abcdef012345678912345678"),
]


def make_app() -> Chalice:
    app = Chalice("bench")
    app.route("/product/{id}")(lambda id: {"id": id, "name": "Samsung TV", "price": 140})
    return app


def make_request() -> HttpRequest:
    return HttpRequest("GET", "/product/1", "", HEADERS, b"", "10.0.0.1", "HTTP/1.1", 3000)


def bare_call() -> Callable[[], object]:
    """Call the app with an event that the gateway has built."""
    app, events = make_app(), []
    gateway = Gateway(app, Settings())
    gateway._app = lambda event, context: events.append(event) or app(event, context)  # type: ignore[assignment]
    gateway.handle(make_request())
    context = LambdaContext(identity_of("bench"), "id", 29)
    return lambda: app(events[0], context)


def through_the_gateway() -> Callable[[], object]:
    gateway, request = Gateway(make_app(), Settings()), make_request()
    return lambda: gateway.handle(request)


def through_wsgi() -> Callable[[], object]:
    wsgi_app = create_wsgi_app(make_app(), Settings())
    environ = {
        "REQUEST_METHOD": "GET",
        "REQUEST_URI": "/product/1",
        "SCRIPT_NAME": "",
        "PATH_INFO": "/product/1",
        "wsgi.url_scheme": "http",
        "QUERY_STRING": "",
        "SERVER_PROTOCOL": "HTTP/1.1",
        "SERVER_PORT": "3000",
        "REMOTE_ADDR": "10.0.0.1",
        "wsgi.input": io.BytesIO(),
        "wsgi.input_terminated": True,
        HEADERS_KEY: HEADERS,
    }
    return lambda: wsgi_app(environ, lambda status, headers: None)


def observed() -> Callable[[], object]:
    """Record each request as `python -m fargate` does: a line, metrics, and for some a segment, which is dropped."""
    app, settings, request = make_app(), Settings(), make_request()
    gateway = Gateway(app, settings, telemetry=telemetry_of(app, settings))
    return lambda: gateway.handle(request)


def one_line() -> Callable[[], object]:
    log = AccessLog("line", "INFO")
    exchange = RequestRecord("GET", "/product/{id}", 200, 0.0123, 42, "10.0.0.1", "hit")
    ids = IdentifierSource().next(None, None, 0)

    def write() -> None:
        enter_scope(RequestScope(None, ids))
        log.write(exchange)

    return write


def one_powertools_line() -> Callable[[], object]:
    logger = Logger(service="stock", stream=sys.stdout)
    http = {"method": "GET", "route": "/product/{id}", "status": 200, "duration_ms": 12.3, "bytes": 42}
    ids = {"correlation_id": "1-a-b", "xray_trace_id": "1-a-b", "request_id": "c"}
    fields = {**ids, "http": http, "cache": "hit", "client_ip": "10.0.0.1"}
    return lambda: logger.info("GET /product/{id} 200", extra=fields)


def microseconds(call: Callable[[], object]) -> float:
    """Return the CPU time of one call, averaged over a round."""
    begun = time.process_time()
    for _ in range(CALLS):
        call()
    return (time.process_time() - begun) / CALLS * 1e6


def main() -> None:
    sys.stdout = BoundedStdout(os.open(os.devnull, os.O_WRONLY), max_lines=10**9)
    ways = {
        BARE: bare_call(),
        "gateway": through_the_gateway(),
        "WSGI door": through_wsgi(),
        "gateway, observed": observed(),
        "one log line": one_line(),
        "one line of Powertools": one_powertools_line(),
    }
    for call in ways.values():
        microseconds(call)  # warm
    rounds = [{name: microseconds(call) for name, call in ways.items()} for _ in range(ROUNDS)]
    sys.stdout = sys.__stdout__
    bare = statistics.median(each[BARE] for each in rounds)
    print(f"CPU per request, medians of {ROUNDS} alternating rounds of {CALLS} calls")
    for name in ways:
        median = statistics.median(each[name] for each in rounds)
        print(f"  {name:<26} {median:6.1f} us   x{median / bare:4.2f}   {median - bare:+6.1f} us")


if __name__ == "__main__":
    main()
