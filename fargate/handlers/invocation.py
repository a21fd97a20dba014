"""One call of a handler for an event, as Lambda makes it.

What must hold: whatever the handler does, its call ends with an answer and is recorded; and it runs in a context of its
own, so that nothing of it is left when it ends.
"""

import contextvars
import functools
import time
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any, NamedTuple

from chalice.app import Chalice

from fargate.gateway.context import LambdaContext, identity_of
from fargate.handlers.answer import failure, marshal
from fargate.handlers.catalog import Handler
from fargate.http.identifiers import IdentifierSource
from fargate.patches.isolation import isolate
from fargate.patches.powertools_idempotency import keep_calls_apart
from fargate.telemetry.event_telemetry import EventTelemetry
from fargate.telemetry.request_scope import RequestScope, current_scope

DEADLINE_SECONDS = 900
"""The remaining time that a handler sees at first: Lambda's longest time-out. It is not enforced."""

NOTHING_MORE: Mapping[str, Any] = MappingProxyType({})


class Answer(NamedTuple):
    """What Lambda would answer."""

    payload: bytes  # the result, or the shape of the error
    error: BaseException | None  # what the handler raised, or why its result cannot be sent


class Invoker:
    """Calls the handlers of one app. Thread-safe.

    Args:
        app: the app; it gets per-call `current_request` and `lambda_context`.
        stage: part of the functions' names.
        telemetry: logs and traces each call.
        clock: seconds since the epoch.
    """

    def __init__(
        self, app: Chalice, stage: str, telemetry: EventTelemetry, clock: Callable[[], float] = time.time
    ) -> None:
        isolate(app)
        keep_calls_apart(current_scope)
        self._app_name = app.app_name
        self._stage = stage
        self._telemetry = telemetry
        self._clock = clock
        self._identifiers = IdentifierSource()
        self._identity = functools.cache(identity_of)  # on Lambda, too, the log stream of a process is one

    def invoke(
        self,
        handler: Handler,
        event: Any,
        seconds: float,
        trace_header: str | None = None,
        more: Mapping[str, Any] = NOTHING_MORE,
    ) -> Answer:
        """Call a handler. Never raises.

        Args:
            handler: what to call.
            event: Lambda's event.
            seconds: the remaining time that the handler sees at first; it is not enforced.
            trace_header: `Root=...;Parent=...;Sampled=...` of the caller, if it has one.
            more: fields for the log line besides the usual ones.
        """
        scope = RequestScope(None, self._identifiers.next(trace_header, None, self._clock()))
        return contextvars.copy_context().run(self._invoke, handler, event, seconds, scope, more)

    def _invoke(
        self, handler: Handler, event: Any, seconds: float, scope: RequestScope, more: Mapping[str, Any]
    ) -> Answer:
        function_name = handler.function_name(self._app_name, self._stage)
        context = LambdaContext(self._identity(function_name), scope.ids.request_id, seconds)
        self._telemetry.begin(scope)
        answer = _answer(handler, event, context)
        self._telemetry.end(scope, handler.kind, handler.name, function_name, answer.error, more)
        return answer


def _answer(handler: Handler, event: Any, context: LambdaContext) -> Answer:
    try:
        return Answer(marshal(handler.call(event, context)), None)
    except BaseException as error:  # noqa: BLE001  the outermost boundary; SystemExit ends Lambda's runtime, not us
        return Answer(failure(error, context.aws_request_id), error)
