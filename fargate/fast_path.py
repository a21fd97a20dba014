"""The fast path: a route answered without an event and a handler, and under ASGI without a thread.

Those three cost several times what an answer costs that is in memory, or one short await away. An app registers such
routes in an attribute, each with a plain and an async function:

    app.fast_path = {("GET", "/product/{id}"): (from_memory, from_loop)}

    from_memory(parameters, headers) -> Response | None          must not block
    from_loop(parameters, headers) -> Response | None            async; called where `from_memory` returns None

Where both return None, or one fails, the route's handler is called as for any other request. What must hold: an answer
is what the handler would have returned. A request on the fast path has a context of its own, and it is logged, counted
and traced as any other. The WSGI adapter calls `from_memory` alone: a thread has the request already.
"""

import logging
import time
from collections.abc import Awaitable, Callable, Collection, Coroutine, Generator, Iterator, Mapping, Sequence
from contextvars import Context
from typing import Any, Generic, NamedTuple, TypeVar, cast

from chalice.app import Chalice, Response, RouteEntry

from fargate.errors import ConfigurationError
from fargate.gateway.core import Arrival, Gateway
from fargate.http.messages import Header, HttpRequest, HttpResponse, canonical, last_value
from fargate.lifecycle import PROBE_PATHS

logger = logging.getLogger("fargate")

ATTRIBUTE = "fast_path"
FORMER_ATTRIBUTE = "answer_ahead"

TURN_SECONDS = 0.001
"""How long the event loop may keep the interpreter while threads have requests."""

YIELD_SECONDS = 0.00005
"""How long the event loop sleeps then: long enough for a thread to wake up and take the interpreter. `sleep(0)` is not,
since the loop takes it back first."""


class HeaderView:
    """A request's headers, by name in any spelling; of several values the last."""

    __slots__ = ("_headers",)

    def __init__(self, headers: Sequence[Header]) -> None:
        self._headers = headers

    def get(self, name: str) -> str | None:
        """Return a header's value, or None."""
        return last_value(self._headers, canonical(name))

    def joined(self, names: Collection[str]) -> dict[str, str]:
        """Return those of the named headers that were sent, by name; several lines of one are joined by commas.

        The way to read a header that is a list (RFC 9110, section 5.3), in one pass.

        Args:
            names: spelled as in `Content-Type`.
        """
        found: dict[str, str] = {}
        for name, value in self._headers:
            if name in names:
                found[name] = f"{found[name]}, {value}" if name in found else value
        return found


Outcome = TypeVar("Outcome")
FromMemory = Callable[[Mapping[str, str], HeaderView], Response | None]
FromLoop = Callable[[Mapping[str, str], HeaderView], Awaitable[Response | None]]


class FastRoute(NamedTuple):
    """The two functions of a registered route."""

    from_memory: FromMemory
    from_loop: FromLoop


def fast_routes_of(app: Chalice) -> dict[tuple[str, str], FastRoute]:
    """Return the registered routes by method and pattern.

    Raises:
        ConfigurationError: a route needs more than its handler does, which the fast path would leave out.
    """
    routes: dict[tuple[str, str], Any] = getattr(app, ATTRIBUTE, {})
    faults = [f"app.{ATTRIBUTE}: {' '.join(route)} {fault}" for route in routes for fault in _faults(app, *route)]
    if faults:
        raise ConfigurationError("\n".join(faults))
    if hasattr(app, FORMER_ATTRIBUTE):
        logger.warning("app.%s is no longer called; register routes in app.%s", FORMER_ATTRIBUTE, ATTRIBUTE)
    return {route: FastRoute(*functions) for route, functions in routes.items()}


def _faults(app: Chalice, method: str, pattern: str) -> Iterator[str]:
    entry: RouteEntry | None = dict(app.routes).get(pattern, {}).get(method)
    if entry is None:
        yield "is not a route of this app"
        return
    if entry.authorizer is not None:
        yield "has an authorizer"
    if entry.api_key_required:
        yield "requires an API key"
    if entry.cors:
        yield "has CORS"
    if pattern in PROBE_PATHS:
        yield "is a probe"
    if any(kind in ("all", "http") for _, kind in app.middleware_handlers):
        yield "would go past the app's middleware"


class InContext(Generic[Outcome]):
    """Awaits a coroutine in a context of its own, as a task does, at a tenth of a task's cost."""

    def __init__(self, coroutine: Coroutine[Any, Any, Outcome], context: Context) -> None:
        self._coroutine = coroutine
        self._context = context

    def __await__(self) -> Generator[Any, Any, Outcome]:
        resume: Callable[[Any], Any] = self._coroutine.send
        value: Any = None
        while True:
            try:
                awaited = self._context.run(resume, value)
            except StopIteration as end:
                return cast("Outcome", end.value)
            try:
                resume, value = self._coroutine.send, (yield awaited)
            except BaseException as error:  # noqa: BLE001  it is handed to the coroutine: a cancellation, above all
                resume, value = self._coroutine.throw, error


class FastPath:
    """The registered routes of one app. `from_loop` and `yield_to_threads` are for one event loop's thread.

    Args:
        gateway: matches paths, and records what is answered.
        routes: by method and pattern.
    """

    def __init__(self, gateway: Gateway, routes: Mapping[tuple[str, str], FastRoute]) -> None:
        self._gateway = gateway
        self._routes = routes
        self.yielded_at = 0.0  # on time.perf_counter

    def find(self, method: str, path: str) -> FastRoute | None:
        """Return the registered route of a method and a percent-encoded path."""
        if not self._routes:
            return None
        match = self._gateway.locate(path).match
        return match and self._routes.get((method, match.route.pattern))

    async def answer(self, request: HttpRequest, route: FastRoute) -> HttpResponse | Arrival:
        """Return the response, or the arrived request for its handler."""
        arrival = self._gateway.arrive(request)
        response = self.from_memory(arrival, route)
        if response is None:
            response = await self.from_loop(arrival, route)
        return response or arrival

    def from_memory(self, arrival: Arrival, route: FastRoute) -> HttpResponse | None:
        """Return the response of the route's plain function; None: it has none, or failed."""
        return arrival.context.run(self._from_memory, arrival, route)

    def _from_memory(self, arrival: Arrival, route: FastRoute) -> HttpResponse | None:
        try:
            response = route.from_memory(arrival.parameters, HeaderView(arrival.request.headers))
            return None if response is None else self._gateway.complete(arrival, response)
        except Exception:
            logger.exception("The fast path failed; the handler is called")
            return None

    def from_loop(self, arrival: Arrival, route: FastRoute) -> Awaitable[HttpResponse | None]:
        """Return the response of the route's async function, to be awaited; None: it has none, or failed.

        The task that awaits it must not run in the request's context itself: a thread enters that to call the handler.
        """
        return InContext(self._from_loop(arrival, route), arrival.context)

    async def _from_loop(self, arrival: Arrival, route: FastRoute) -> HttpResponse | None:
        try:
            response = await route.from_loop(arrival.parameters, HeaderView(arrival.request.headers))
            return None if response is None else self._gateway.complete(arrival, response)
        except Exception:
            logger.exception("The fast path failed; the handler is called")
            return None

    def yield_to_threads(self) -> None:
        """Let a thread take the interpreter, once in TURN_SECONDS; else a flood of hits would hold up the handlers."""
        if time.perf_counter() - self.yielded_at >= TURN_SECONDS:
            time.sleep(YIELD_SECONDS)
            self.yielded_at = time.perf_counter()
