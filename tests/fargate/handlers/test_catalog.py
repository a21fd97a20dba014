"""Every handler of an app is found, by the names that Chalice gives it, and is what Lambda would import."""

import types

import pytest
from chalice.app import Chalice, Rate

from fargate.errors import ConfigurationError
from fargate.handlers.catalog import Handler, find_handler, handlers_of
from fargate.handlers.kinds import Kind
from tests.apps import mirror
from tests.apps.projects.handlers import app as module
from tests.fargate.handlers.conftest import STAGE


def test_every_kind_is_found(handlers: list[Handler]) -> None:
    assert {handler.kind for handler in handlers} == set(Kind)
    assert [str(handler) for handler in handlers if handler.kind is not Kind.LAMBDA_FUNCTION] == [
        "authorizer admit",
        "on_cw_event paid",
        "on_dynamodb_record follow_table",
        "on_kinesis_record count_clicks",
        "on_s3_event removed",
        "on_sns_message read_news",
        "on_sqs_message take_orders",
        "on_ws_connect connect",
        "on_ws_disconnect disconnect",
        "on_ws_message message",
        "routes api_handler",
        "schedule hourly",
        "schedule jobs_nightly",
        "schedule minutely",
    ]


@pytest.mark.parametrize(
    ("asked", "name"),
    [
        ("hourly", "hourly"),
        ("handlers-dev-hourly", "hourly"),
        ("handlers-dev", "api_handler"),
        ("jobs_nightly", "jobs_nightly"),
        ("returns", "returns"),
        ("websocket_message", "message"),
        ("handlers-dev-websocket_message", "message"),
    ],
)
def test_a_handler_has_chalices_name_and_its_functions(handlers: list[Handler], asked: str, name: str) -> None:
    assert find_handler(handlers, asked, "handlers", STAGE).name == name


@pytest.mark.parametrize("asked", ["every_hour", "handlers-prod-hourly", "others-dev-hourly", "nightly", ""])
def test_an_unknown_name_lists_the_names_that_there_are(handlers: list[Handler], asked: str) -> None:
    with pytest.raises(ConfigurationError) as error:
        find_handler(handlers, asked, "handlers", STAGE)
    first, *names = str(error.value).splitlines()
    assert first == f"There is no handler {asked!r}. The app has:"
    assert names == [f"  {handler}" for handler in handlers]


def test_an_app_of_routes_has_them_as_one_handler_and_an_empty_app_has_none() -> None:
    assert [str(each) for each in handlers_of(mirror.app, mirror.__name__)] == ["routes api_handler"]
    with pytest.raises(ConfigurationError, match="The app has:\n  no handlers"):
        find_handler(handlers_of(Chalice("empty"), "app"), "nightly", "empty", STAGE)


def test_two_handlers_of_one_name_are_refused() -> None:
    app = Chalice("twice")
    for _ in range(2):
        app.schedule(Rate(1, unit=Rate.DAYS), name="daily")(lambda event: None)
    with pytest.raises(ConfigurationError, match="Two handlers are named 'daily'"):
        find_handler(handlers_of(app, "app"), "daily", "twice", STAGE)


def test_decorators_above_chalices_are_called_as_lambda_calls_them(handlers: list[Handler]) -> None:
    assert find_handler(handlers, "hourly", "handlers", STAGE).call is module.every_hour
    assert module.app.handler_map["hourly"] is not module.every_hour


def test_a_function_that_its_module_does_not_hold_is_called_through_chalice(monkeypatch: pytest.MonkeyPatch) -> None:
    """It is registered without a decorator, or not in the app's module."""
    app, module = Chalice("undecorated"), types.ModuleType("undecorated")
    monkeypatch.setitem(__import__("sys").modules, "undecorated", module)

    def hourly(event):  # type: ignore[no-untyped-def]
        return event.source

    app.schedule(Rate(1, unit=Rate.HOURS))(hourly)
    for each in (None, hourly, "no function"):
        module.hourly = each  # type: ignore[attr-defined]
        (handler,) = handlers_of(app, "undecorated")
        assert handler.call is app.handler_map["hourly"]
