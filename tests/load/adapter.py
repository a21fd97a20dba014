"""`make bench`: what the adapter costs on top of Chalice, in CPU time per request, in one run.

Three ways to answer the same warm route take turns: the bare `app(event, context)` call, the gateway (which builds that
event), and the WSGI callable (which reads a request from an environ as waitress leaves it). The figure that counts is
the ratio: it holds on machines of different speed.
"""

import io
import statistics
import time
from collections.abc import Callable

from chalice.app import Chalice

from fargate.context import LambdaContext, identity_of
from fargate.gateway import Gateway
from fargate.http import HttpRequest
from fargate.settings import Settings
from fargate.wsgi import HEADERS_KEY, create_wsgi_app

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
    """Call the app with the very event that the gateway builds, kept from one request."""
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
        "QUERY_STRING": "",
        "SERVER_PROTOCOL": "HTTP/1.1",
        "SERVER_PORT": "3000",
        "REMOTE_ADDR": "10.0.0.1",
        "wsgi.input": io.BytesIO(),
        "wsgi.input_terminated": True,
        HEADERS_KEY: HEADERS,
    }
    return lambda: wsgi_app(environ, lambda status, headers: None)


def microseconds(call: Callable[[], object]) -> float:
    """Return the CPU time of one call, averaged over a round."""
    begun = time.process_time()
    for _ in range(CALLS):
        call()
    return (time.process_time() - begun) / CALLS * 1e6


def main() -> None:
    ways = {"bare app(event, context)": bare_call(), "gateway": through_the_gateway(), "WSGI door": through_wsgi()}
    for call in ways.values():
        microseconds(call)  # warm
    rounds = [{name: microseconds(call) for name, call in ways.items()} for _ in range(ROUNDS)]
    bare = statistics.median(each["bare app(event, context)"] for each in rounds)
    print(f"CPU per request, medians of {ROUNDS} alternating rounds of {CALLS} calls")
    for name in ways:
        median = statistics.median(each[name] for each in rounds)
        print(f"  {name:<26} {median:6.1f} us   x{median / bare:4.2f}   {median - bare:+6.1f} us")


if __name__ == "__main__":
    main()
