"""Powertools' idempotency finds the record of a call again, whatever runs meanwhile."""

from collections.abc import Callable
from contextvars import Context
from typing import Any

import pytest
import redis
from aws_lambda_powertools.utilities.idempotency import BasePersistenceLayer, IdempotencyConfig, idempotent_function
from aws_lambda_powertools.utilities.idempotency.persistence.cache import CachePersistenceLayer
from chalice.app import Chalice

from fargate.gateway.context import LambdaContext, identity_of
from fargate.handlers.invocation import Invoker
from fargate.http.identifiers import IdentifierSource
from fargate.settings import Settings
from fargate.telemetry.event_telemetry import event_telemetry_of
from fargate.telemetry.request_scope import RequestScope, enter_scope
from fargate.wsgi import create_wsgi_app


@pytest.fixture(autouse=True)
def _unpatched(monkeypatch: pytest.MonkeyPatch) -> None:
    """Another test of the process may have patched it."""
    monkeypatch.delattr(BasePersistenceLayer, "function_name", raising=False)


def gateway() -> object:
    return create_wsgi_app(Chalice("app"))


def invoker() -> object:
    app = Chalice("app")
    return Invoker(app, "dev", event_telemetry_of(app, Settings(powertools_trace_disabled=True)))


def in_a_call(function: Any, **arguments: Any) -> Any:
    """Call a function as a handler is called."""

    def call() -> Any:
        enter_scope(RequestScope(None, IdentifierSource().next(None, None, 0)))
        return function(**arguments)

    return Context().run(call)


@pytest.mark.filterwarnings("ignore:RedisCachePersistenceLayer")  # CachePersistenceLayer is the same class
@pytest.mark.parametrize("serve", [gateway, invoker])
def test_a_failed_call_is_repeated_though_another_function_has_run_meanwhile(
    redis_url: str, serve: Callable[[], object]
) -> None:
    """They share the layer. The record of the first would stay, so that each repetition was refused for an hour."""
    with redis.Redis.from_url(redis_url, decode_responses=True) as client:
        layer = CachePersistenceLayer(client=client)
        config = IdempotencyConfig(lambda_context=LambdaContext(identity_of("app-dev-pay"), "1", 60))
        serve()
        calls: list[str] = []

        @idempotent_function(data_keyword_argument="order", persistence_store=layer, config=config)
        def ship(order: str) -> None:
            calls.append("ship")

        @idempotent_function(data_keyword_argument="order", persistence_store=layer, config=config)
        def pay(order: str) -> str:
            calls.append("pay")
            in_a_call(ship, order=order)
            if calls.count("pay") == 1:
                raise ValueError("unpaid")
            return "paid"

        with pytest.raises(ValueError, match="unpaid"):
            in_a_call(pay, order="7")
        assert [in_a_call(pay, order="7") for _ in range(2)] == ["paid", "paid"]
    assert calls == ["pay", "ship", "pay"]
