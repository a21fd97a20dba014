"""The handlers of the app that has one of every kind, called in this process."""

from collections.abc import Callable
from typing import Any

import pytest

from fargate.handlers.catalog import Handler, find_handler, handlers_of
from fargate.handlers.invocation import Answer, Invoker
from fargate.settings import Settings
from fargate.telemetry.event_telemetry import event_telemetry_of
from tests.apps.projects.handlers import app as module

STAGE = "dev"
Invoke = Callable[..., Answer]


@pytest.fixture
def handlers() -> list[Handler]:
    return handlers_of(module.app, module.__name__)


@pytest.fixture
def invoke(handlers: list[Handler]) -> Invoke:
    """Call a handler by its name with an event."""
    invoker = Invoker(module.app, STAGE, event_telemetry_of(module.app, Settings(powertools_trace_disabled=True)))

    def call(name: str, event: Any = None, seconds: int = 60, trace_header: str | None = None) -> Answer:
        handler = find_handler(handlers, name, module.app.app_name, STAGE)
        return invoker.invoke(handler, event, seconds, trace_header)

    return call
