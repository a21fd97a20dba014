"""What API Gateway does, for both adapters: HTTP request -> REST proxy event -> `app(event, context)` -> HTTP response.

What must hold: a request gets exactly one response, and runs in a context of its own, so that nothing of it is left
when it ends.
"""

import contextvars
import logging
import time
from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType
from typing import Any, NamedTuple, Protocol

from chalice.app import Chalice, Response

from fargate.auth.authorizers import AccessChecks, AccessRequest, is_spelled_out, method_arn
from fargate.errors import (
    BadGateway,
    Forbidden,
    GatewayError,
    MethodNotAllowed,
    NotFound,
    ServiceUnavailable,
    WebSocketsNotServed,
)
from fargate.gateway.binary_types import accepts_binary
from fargate.gateway.context import LambdaContext, completed, identity_of
from fargate.gateway.cors import cors_of, headers_of, preflight
from fargate.gateway.event import API_ID, Event, EventBuilder, asks_for_websocket
from fargate.gateway.integration import read_plain, read_response
from fargate.gateway.invocation import function_trace, ids_of
from fargate.gateway.routing import Match, Route, RouteTable
from fargate.http.bounded_cache import BoundedCache
from fargate.http.identifiers import IdentifierSource, RequestIds
from fargate.http.messages import Header, HttpRequest, HttpResponse, Invocation, client_address, last_value
from fargate.lifecycle import PROBE_PATHS, READINESS_PATH, Lifecycle
from fargate.patches.content_types import remember_content_types
from fargate.patches.event_loops import offer_event_loops
from fargate.patches.isolation import isolate
from fargate.patches.powertools_idempotency import keep_calls_apart
from fargate.probe import own_address
from fargate.settings import BinaryRule, Settings
from fargate.telemetry.request_scope import RequestScope, current_scope
from fargate.telemetry.telemetry import NoTelemetry, Telemetry
from fargate.threads.waiting import offer_sleep

logger = logging.getLogger("fargate")


_OWN_HEADERS: tuple[Header, ...] = (("Content-Type", "application/json"), ("Cache-Control", "no-store"))
"""Of the gateway's own responses. A cache may keep a 404 or 405 that says nothing of it (RFC 9110, section 15.1)."""


class Located(NamedTuple):
    """A path below the mount and the base path, and the route that it matches. Shared by all requests of that path."""

    path: str
    match: Match | None


class Arrival(NamedTuple):
    """A request that is being served."""

    request: HttpRequest
    located: Located
    scope: RequestScope
    context: contextvars.Context  # everything that is done for the request runs in it
    time: float  # seconds since the epoch

    @property
    def parameters(self) -> Mapping[str, str]:
        """What the route's parameters hold, percent-encoded."""
        match = self.located.match
        return (match and match.parameters) or {}


class Management(Protocol):
    """Routes of the gateway itself, which win over the app's."""

    route: str  # their pattern, for log lines and metrics

    def owns(self, path: str) -> bool:
        """Tell whether a path, without the mount and the base path, is one of them."""

    def answer(self, request: HttpRequest, path: str) -> HttpResponse:
        """Answer a request.

        Raises:
            GatewayError: in place of an answer.
        """


class Gateway:
    """One Chalice app behind an emulated API Gateway. Thread-safe.

    Args:
        app: the app; it gets per-request `current_request` and `lambda_context`.
        settings: base path, API keys, user pools, trusted proxies, deadline.
        lifecycle: set by the server; readiness probes read it.
        telemetry: logs, counts and traces each request.
        clock: seconds since the epoch.
        monotonic: seconds on a clock that never goes back.
    """

    def __init__(
        self,
        app: Chalice,
        settings: Settings,
        lifecycle: Lifecycle | None = None,
        telemetry: Telemetry | None = None,
        clock: Callable[[], float] = time.time,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        isolate(app)
        keep_calls_apart(current_scope)
        offer_sleep(app)
        offer_event_loops(lambda: current_scope() is not None)
        remember_content_types()
        self.telemetry: Telemetry = telemetry or NoTelemetry()
        self.management: Management | None = None  # set before the first request, if at all
        self._app = app
        self._settings = settings
        self._is_strict = settings.binary_media_types is BinaryRule.STRICT
        self._lifecycle = lifecycle or Lifecycle()
        self._clock = clock
        self._routes = RouteTable(app.routes)
        self._located = BoundedCache(self._locate)
        self._function = identity_of(app.app_name)
        self._identifiers = IdentifierSource()
        self._events = EventBuilder(
            settings.base_path,
            settings.trusted_proxies,
            self._function.account_id,
            app.api.binary_types,
            own_address(settings.host),
            is_strict=self._is_strict,
        )
        self._access_checks = AccessChecks(app, settings.cognito_jwks, monotonic)
        self._stage_arn = (
            f"arn:aws:execute-api:{self._function.region}:{self._function.account_id}:{API_ID}/{self._events.stage}"
        )

    def handle(self, request: HttpRequest, arrival: Arrival | None = None) -> HttpResponse:
        """Answer one request. Never raises; returns once the app has returned.

        Args:
            request: as it came over the wire.
            arrival: what `arrive` returned for it, if that was called already.
        """
        arrival = arrival or self.arrive(request)
        return arrival.context.run(self._handle, arrival)

    def arrive(self, request: HttpRequest) -> Arrival:
        """Begin a request: give it ids and a context, and record that it is being served."""
        now = self._clock()
        if request.invocation is None:
            ids = self._identifiers.next(*_ids_in(request.headers), now)
        else:
            ids = self._ids_at_aws(request, request.invocation, now)
        scope = RequestScope(request, ids, client_address(request, self._settings.trusted_proxies))
        context = contextvars.copy_context()
        context.run(self.telemetry.begin, scope)
        return Arrival(request, self._located[request.path], scope, context, now)

    def _ids_at_aws(self, request: HttpRequest, invocation: Invocation, now: float) -> RequestIds:
        """Return the ids of a request on Lambda; its trace is the function's."""
        trace_header, correlation_id = _ids_in(request.headers)
        return ids_of(invocation, self._identifiers.next(function_trace() or trace_header, correlation_id, now))

    def locate(self, path: str) -> Located:
        """Find the route of a percent-encoded path."""
        return self._located[path]

    def complete(self, arrival: Arrival, answer: Response) -> HttpResponse:
        """Turn a Chalice response into an HTTP response, and record it. Runs in the request's context."""
        response = read_plain(answer) or self._read(answer.to_dict(self._app.api.binary_types), arrival.request)
        return self._finish(arrival, response)

    def refuse(
        self, error: GatewayError, method: str = "", peer: str = "", arrival: Arrival | None = None
    ) -> HttpResponse:
        """Return an error for bytes that are no request, or for a request that cannot be served now.

        Args:
            error: why.
            method: as far as it is known.
            peer: address of the other end of the connection.
            arrival: the request, if it was read.
        """
        response = error_response(error)
        if arrival is not None:
            return arrival.context.copy().run(self._finish, arrival, response)  # a thread may run in the context itself
        scope = RequestScope(None, self._identifiers.next(None, None, self._clock()), peer)
        contextvars.copy_context().run(self._record_refusal, scope, method, response)
        return response

    def _record_refusal(self, scope: RequestScope, method: str, response: HttpResponse) -> None:
        self.telemetry.begin(scope)
        self.telemetry.end(scope, method, None, response)

    def _handle(self, arrival: Arrival) -> HttpResponse:
        return self._finish(arrival, self._answer(arrival))

    def _finish(self, arrival: Arrival, response: HttpResponse) -> HttpResponse:
        """Add the ids to the response, and record the request. Runs in the request's context."""
        _add_ids(response, arrival.scope.ids)
        method = arrival.request.method
        route = _served_route(arrival.located, method, response.status) or self._own_route(arrival.located.path)
        if arrival.scope.close():
            self.telemetry.end(arrival.scope, method, route, response)
        return response

    def _own_route(self, path: str) -> str | None:
        return self.management.route if self.management is not None and self.management.owns(path) else None

    def _answer(self, arrival: Arrival) -> HttpResponse:
        path, match = arrival.located
        method = arrival.request.method
        try:
            self._check_readiness(path)
            if match is None:
                return self._own_answer(arrival.request, path)
            return self._serve(arrival, path, match)
        except GatewayError as error:
            return error_response(_better(error, arrival.request), match.route if match else None, method)

    def _own_answer(self, request: HttpRequest, path: str) -> HttpResponse:
        """Answer a path that is not the app's."""
        if self.management is not None and self.management.owns(path):
            return self.management.answer(request, path)
        return _probe_answer(path, request.method)

    def _serve(self, arrival: Arrival, path: str, match: Match) -> HttpResponse:
        request, ids = arrival.request, arrival.scope.ids
        route = match.route
        entry = route.methods.get(request.method)
        if entry is None:
            cors = cors_of(route)
            if request.method == "OPTIONS" and cors is not None:
                return preflight(route, cors)
            raise MethodNotAllowed(_allowed(route))
        context = self._context(request, ids)
        authorizer = self._admit(request, path, match, context) if entry.authorizer is not None else None
        key = self._accepted_key(request) if entry.api_key_required else None
        event = self._events.build(request, path, match, ids, arrival.time)
        if authorizer is not None:
            event["requestContext"]["authorizer"] = authorizer
        if key is not None:
            event["requestContext"]["identity"]["apiKey"] = key
        return self._read(self._invoke(event, context), request)

    def _context(self, request: HttpRequest, ids: RequestIds) -> Any:
        own = LambdaContext(self._function, ids.request_id, self._settings.deadline_seconds)
        return own if request.invocation is None else completed(request.invocation.context, own)

    def _admit(self, request: HttpRequest, path: str, match: Match, context: Any) -> dict[str, Any] | None:
        """Run the route's authorizer; return what it says of the caller, or None if it leaves that to AWS."""
        pattern = match.route.pattern
        arn = method_arn(self._stage_arn, request.method, pattern, path)
        check = self._access_checks.of(match.route.methods[request.method].authorizer)
        return check.authorize(AccessRequest(request.headers, arn, context, self._is_signed(request, path, pattern)))

    def _is_signed(self, request: HttpRequest, path: str, pattern: str) -> bool:
        """Tell whether IAM has let the signer call this very path; `//admin` is `/admin` here, but not for IAM."""
        invocation = request.invocation
        if invocation is None or not invocation.is_signed:
            return False
        return request.path.removeprefix(self._settings.base_path) == path and is_spelled_out(pattern, path)

    def _accepted_key(self, request: HttpRequest) -> str | None:
        """Return the request's API key; None if every request is accepted, whatever its key is.

        Raises:
            Forbidden: there is none, or not one that is configured.
        """
        keys = self._settings.api_keys
        key = last_value(request.headers, "X-Api-Key")
        if not keys.accept(key):
            raise Forbidden
        return None if keys.is_open else key

    def _read(self, result: object, request: HttpRequest) -> HttpResponse:
        if self._is_strict:
            return read_response(result, binary=accepts_binary(request.headers, self._app.api.binary_types))
        return read_response(result)

    def _invoke(self, event: Event, context: Any) -> Any:
        try:
            return self._app(event, context)
        except BaseException as error:  # the outermost boundary: SystemExit would leave the client hanging
            logger.exception("%s escaped the app at %s", type(error).__name__, event["resource"])
            raise BadGateway from error

    def _locate(self, path: str) -> Located:
        """Find a path's route. `/{name}` gets no probe, or its app's container might never become ready."""
        stripped = self._strip_base_path(path)
        match = self._routes.match(stripped)
        if stripped in PROBE_PATHS and match is not None and match.route.pattern != stripped:
            match = None
        if self.management is not None and self.management.owns(stripped):
            match = None
        return Located(stripped, _shared(match))

    def _strip_base_path(self, path: str) -> str:
        """Remove the stage prefix; requests without it (a load balancer's probes) are served too."""
        path = "/" + path.lstrip("/")
        base = self._settings.base_path
        if base and (path == base or path.startswith(base + "/")):
            return path[len(base) :] or "/"
        return path

    def _check_readiness(self, path: str) -> None:
        if path == READINESS_PATH and not self._lifecycle.is_ready:
            raise ServiceUnavailable(self._lifecycle.phase)


def _ids_in(headers: Sequence[Header]) -> tuple[str | None, str | None]:
    """Return X-Amzn-Trace-Id and X-Request-Id, in one pass."""
    trace_header = correlation_id = None
    for name, value in headers:
        if name == "X-Amzn-Trace-Id":
            trace_header = value
        elif name == "X-Request-Id":
            correlation_id = value
    return trace_header, correlation_id


def _add_ids(response: HttpResponse, ids: RequestIds) -> None:
    """Send the request's ids to the client."""
    response.headers.extend(
        (
            ("x-amzn-RequestId", ids.request_id),
            ("x-amz-apigw-id", ids.extended_id),
            ("X-Amzn-Trace-Id", ids.trace_root),
        )
    )
    if ids.is_correlated:
        response.headers.append(("X-Request-Id", ids.correlation_id))


def _shared(match: Match | None) -> Match | None:
    """Make a match read-only, since requests of the same path share it."""
    return match and match._replace(parameters=MappingProxyType(match.parameters or {}))


def _served_route(located: Located, method: str, status: int) -> str | None:
    """Return the route for logs and metrics; None if no route or method matches, so that clients cannot add series."""
    path, match = located
    if match is None:
        return path if path in PROBE_PATHS and status != MethodNotAllowed.status else None
    return None if status == MethodNotAllowed.status and method not in match.route.methods else match.route.pattern


def _probe_answer(path: str, method: str) -> HttpResponse:
    """Return 200 to a probe that the app has no route for; raise NotFound for other paths."""
    if path not in PROBE_PATHS:
        raise NotFound
    if method not in ("GET", "HEAD"):
        raise MethodNotAllowed(["GET", "HEAD"])
    return HttpResponse(200, list(_OWN_HEADERS), b'{"message":"OK"}')


def _better(error: GatewayError, request: HttpRequest) -> GatewayError:
    """Return what a WebSocket client needs to know, in place of "Not Found" or "Unauthorized"."""
    return WebSocketsNotServed() if asks_for_websocket(request) else error


def _allowed(route: Route) -> list[str]:
    methods = sorted(route.methods)
    return [*methods, "OPTIONS"] if cors_of(route) and "OPTIONS" not in methods else methods


def error_response(error: GatewayError, route: Route | None = None, method: str = "") -> HttpResponse:
    """Write an error as API Gateway does, but for caches not to keep; for a route with CORS, with its headers."""
    headers: list[Header] = [*_OWN_HEADERS, *error.headers]
    if route is not None:
        headers.extend(headers_of(cors_of(route, method)))
    return HttpResponse(error.status, headers, error.body)
