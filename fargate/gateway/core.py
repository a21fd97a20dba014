"""API Gateway's part, once, for every door: HTTP request -> REST proxy event -> `app(event, context)` -> HTTP response.

Whatever happens, a request gets exactly one response, and what it left behind is gone with it: it runs in a context of
its own.
"""

import contextvars
import logging
import time
from collections.abc import Awaitable, Callable, Sequence
from types import MappingProxyType
from typing import Any

from chalice.app import Chalice, Response

from fargate.auth.authorizers import Authorizers, Call, method_arn
from fargate.errors import BadGateway, Forbidden, GatewayError, MethodNotAllowed, NotFound, ServiceUnavailable
from fargate.fast_path import ATTRIBUTE, NOTHING_AHEAD, Answer, AnswerAhead, Asked, HeaderView
from fargate.gateway.context import LambdaContext, identity_of
from fargate.gateway.cors import cors_of, headers_of, preflight
from fargate.gateway.event import API_ID, Event, EventBuilder
from fargate.gateway.integration import read_plain, read_response
from fargate.gateway.routing import Match, Route, RouteTable
from fargate.http.bounded_cache import BoundedCache
from fargate.http.identifiers import IdentifierSource, RequestIds
from fargate.http.messages import Header, HttpRequest, HttpResponse, client_address, last_value
from fargate.lifecycle import PROBE_PATHS, READINESS_PATH, Lifecycle
from fargate.patches.content_types import remember_content_types
from fargate.patches.isolation import isolate
from fargate.settings import Settings
from fargate.telemetry.telemetry import NoTelemetry, Telemetry
from fargate.threads.waiting import offer_sleep

logger = logging.getLogger("fargate")

FAILED_AHEAD = "The app failed to answer ahead; its handler is called"


class Gateway:
    """One Chalice app behind what API Gateway would do for it. Thread-safe.

    Args:
        app: the app; it gets per-request `current_request` and `lambda_context`.
        settings: base path, API keys, user pools, trusted proxies, deadline.
        lifecycle: moved on by the server; readiness probes are answered from it.
        telemetry: told of every request.
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
        offer_sleep(app)
        remember_content_types()
        self.telemetry: Telemetry = telemetry or NoTelemetry()
        self._app = app
        self._settings = settings
        self._lifecycle = lifecycle or Lifecycle()
        self._clock = clock
        self._answer_ahead: AnswerAhead | None = getattr(app, ATTRIBUTE, None)
        self._routes = RouteTable(app.routes)
        self._matches = BoundedCache(lambda path: _shared(self._routes.match(self._strip_base_path(path))))
        self._function = identity_of(app.app_name)
        self._identifiers = IdentifierSource()
        self._events = EventBuilder(
            settings.base_path, settings.trusted_proxies, self._function.account_id, app.api.binary_types
        )
        self._authorizers = Authorizers(app, settings.cognito_jwks, monotonic)
        self._stage_arn = (
            f"arn:aws:execute-api:{self._function.region}:{self._function.account_id}:{API_ID}/{self._events.stage}"
        )

    def handle(self, request: HttpRequest, recorded: bool | None = None) -> HttpResponse:
        """Answer one request. Never raises; returns once the app has returned.

        Args:
            request: as it came over the wire.
            recorded: whether its trace is; None: that is still to be decided.
        """
        return contextvars.copy_context().run(self._handle, request, recorded)

    @property
    def answers_ahead(self) -> bool:
        """Whether the app may have answers at hand (`fargate.fast_path`)."""
        return self._answer_ahead is not None

    def ask_ahead(self, request: HttpRequest, *, can_await: bool) -> HttpResponse | Asked:
        """Ask the app for an answer that it has at hand, once for each request.

        Where it has none, or fails in it, the request goes to its handler as any other does: `handle` is told what has
        been decided about its trace. A request that is recorded goes there in any case, so that its calls are seen.

        Args:
            request: as it came over the wire.
            can_await: whether there is an event loop, to await what may be there soon.
        """
        if self.telemetry.records(last_value(request.headers, "X-Amzn-Trace-Id")):
            return Asked(is_recorded=True)
        since = time.perf_counter()
        try:
            match = self._match_ahead(request)
            answer = self._answered_ahead(request, match, can_await) if match else None
            if match is None or answer is None:
                return NOTHING_AHEAD
            if isinstance(answer, Response):
                return self._complete(request, match, answer, since)
        except Exception:
            logger.exception(FAILED_AHEAD)
            return NOTHING_AHEAD
        return Asked(is_recorded=False, awaited=self._awaited(request, match, answer, since))

    def _match_ahead(self, request: HttpRequest) -> Match | None:
        """Return the route of a request that may be answered ahead.

        Routes with an authorizer, an API key or CORS may not: `handle` does more for them than to call their handlers.
        """
        match = self._matches[request.path]
        entry = match.route.methods.get(request.method) if match else None
        if entry is None or entry.authorizer is not None or entry.api_key_required or entry.cors:
            return None
        return match

    def _answered_ahead(self, request: HttpRequest, match: Match, can_await: bool) -> Answer:
        if self._answer_ahead is None:
            return None
        headers = HeaderView(request.headers)
        return self._answer_ahead(request.method, match.route.pattern, match.parameters or {}, headers, can_await)

    async def _awaited(
        self, request: HttpRequest, match: Match, answer: Awaitable[Response | None], since: float
    ) -> HttpResponse | None:
        try:
            found = await answer
            return None if found is None else self._complete(request, match, found, since)
        except Exception:
            logger.exception(FAILED_AHEAD)
            return None

    def _complete(self, request: HttpRequest, match: Match, answer: Response, since: float) -> HttpResponse:
        """Make a response of an answer that the app has given ahead, and tell of it."""
        response = read_plain(answer) or read_response(answer.to_dict(self._app.api.binary_types))
        ids = self._identifiers.next(*_names_given(request.headers), self._clock())
        _name(response, ids)
        client = client_address(request, self._settings.trusted_proxies)
        seconds = time.perf_counter() - since
        self.telemetry.told(request.method, match.route.pattern, client, ids, response, seconds)
        return response

    def refuse(self, error: GatewayError, method: str = "", peer: str = "") -> HttpResponse:
        """Answer what cannot be read as a request: too long, or against the protocol.

        Args:
            error: why.
            method: as far as it is known.
            peer: address of the other end of the connection.
        """
        ids = self._identifiers.next(None, None, self._clock())
        response = error_response(error)
        self.telemetry.told(method, None, peer, ids, response, 0.0)
        return response

    def _handle(self, request: HttpRequest, recorded: bool | None) -> HttpResponse:
        now = self._clock()
        ids = self._identifiers.next(*_names_given(request.headers), now)
        self.telemetry.began(request, ids, client_address(request, self._settings.trusted_proxies), recorded)
        path = self._strip_base_path(request.path)
        match = self._routes.match(path)
        response = self._answer(request, path, match, ids, now)
        _name(response, ids)
        self.telemetry.ended(request.method, _served_route(match, request.method, response.status), response)
        return response

    def _answer(
        self, request: HttpRequest, path: str, match: Match | None, ids: RequestIds, now: float
    ) -> HttpResponse:
        try:
            self._check_readiness(path)
            if match is None:
                return _probe_answer(path, request.method)
            return self._serve(request, path, match, ids, now)
        except GatewayError as error:
            return error_response(error, match.route if match else None, request.method)

    def _serve(self, request: HttpRequest, path: str, match: Match, ids: RequestIds, now: float) -> HttpResponse:
        route = match.route
        entry = route.methods.get(request.method)
        if entry is None:
            cors = cors_of(route)
            if request.method == "OPTIONS" and cors is not None:
                return preflight(route, cors)
            raise MethodNotAllowed(_allowed(route))
        context = LambdaContext(self._function, ids.request_id, self._settings.deadline_seconds)
        authorizer = self._admit(request, path, match, context) if entry.authorizer is not None else None
        if entry.api_key_required and not self._settings.api_keys.accept(last_value(request.headers, "X-Api-Key")):
            raise Forbidden
        event = self._events.build(request, path, match, ids, now)
        if authorizer is not None:
            event["requestContext"]["authorizer"] = authorizer
        return read_response(self._invoke(event, context))

    def _admit(self, request: HttpRequest, path: str, match: Match, context: LambdaContext) -> dict[str, Any]:
        """Have the route's authorizer let the request pass; return what it says of the caller."""
        arn = method_arn(self._stage_arn, request.method, match.route.pattern, path)
        authorizer = self._authorizers.of(match.route.methods[request.method].authorizer)
        return authorizer.admit(Call(request.headers, arn, context))

    def _invoke(self, event: Event, context: LambdaContext) -> Any:
        try:
            return self._app(event, context)
        except BaseException as error:  # the outermost boundary: SystemExit would leave the client hanging
            logger.exception("%s escaped the app at %s", type(error).__name__, event["resource"])
            raise BadGateway from error

    def _strip_base_path(self, path: str) -> str:
        """Drop the stage prefix where it is there; a load balancer's probes come without it."""
        path = "/" + path.lstrip("/")
        base = self._settings.base_path
        if base and (path == base or path.startswith(base + "/")):
            return path[len(base) :] or "/"
        return path

    def _check_readiness(self, path: str) -> None:
        if path == READINESS_PATH and not self._lifecycle.is_ready:
            raise ServiceUnavailable(self._lifecycle.phase)


def _names_given(headers: Sequence[Header]) -> tuple[str | None, str | None]:
    """Return X-Amzn-Trace-Id and X-Request-Id, in one pass."""
    trace_header = correlation_id = None
    for name, value in headers:
        if name == "X-Amzn-Trace-Id":
            trace_header = value
        elif name == "X-Request-Id":
            correlation_id = value
    return trace_header, correlation_id


def _name(response: HttpResponse, ids: RequestIds) -> None:
    """Tell the client what its request is called."""
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
    """Return a match that many requests may have: what it holds cannot be changed."""
    return match and match._replace(parameters=MappingProxyType(match.parameters or {}))


def _served_route(match: Match | None, method: str, status: int) -> str | None:
    """Return the pattern that a request is counted under; None: whatever a client may try, it is one and the same."""
    if match is None or (status == MethodNotAllowed.status and method not in match.route.methods):
        return None
    return match.route.pattern


def _probe_answer(path: str, method: str) -> HttpResponse:
    """Answer a probe for an app that has no route of that name; any other path is not there."""
    if path not in PROBE_PATHS:
        raise NotFound
    if method not in ("GET", "HEAD"):
        raise MethodNotAllowed(["GET", "HEAD"])
    return HttpResponse(200, [("Content-Type", "application/json")], b'{"message":"OK"}')


def _allowed(route: Route) -> list[str]:
    methods = sorted(route.methods)
    return [*methods, "OPTIONS"] if cors_of(route) and "OPTIONS" not in methods else methods


def error_response(error: GatewayError, route: Route | None = None, method: str = "") -> HttpResponse:
    """Word an error as API Gateway does; a route with CORS lets other origins read it."""
    headers: list[Header] = [("Content-Type", "application/json"), *error.headers]
    if route is not None:
        headers.extend(headers_of(cors_of(route, method)))
    return HttpResponse(error.status, headers, error.body)
