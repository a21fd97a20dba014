"""The start logs the handlers that HTTP cannot reach: a line for those that commands run, and one for the others."""

import json

import httpx
import pytest
from chalice.app import Chalice

from fargate.gateway.unserved import socket_handlers, unserved_handlers
from fargate.settings import Settings
from fargate.start.announcement import announce_reach
from tests.apps.everything import app
from tests.apps.mirror import app as only_http
from tests.fixtures.servers import serving

BY_COMMAND = [
    "on_cw_event watch_pipeline",
    "on_s3_event take_upload",
    "on_sns_message read_news",
    "on_sqs_message drain_orders",
    "schedule extra_nightly",
    "schedule hourly",
]
UNSERVED = [
    "lambda_function report",
    "on_dynamodb_record follow_table",
    "on_kinesis_record count_clicks",
    "on_ws_connect connect",
    "on_ws_disconnect disconnect",
    "on_ws_message message",
]


def test_every_kind_is_found() -> None:
    assert sorted(map(str, unserved_handlers(app) + socket_handlers(app))) == sorted(BY_COMMAND + UNSERVED)


def test_an_app_of_routes_alone_has_none() -> None:
    assert unserved_handlers(only_http) == []


def test_the_start_logs_them() -> None:
    with serving({}, "tests.apps.everything:app") as server:
        assert httpx.get(server.url).status_code == 200
        lines = [json.loads(line) for line in server.awaited_output("Not served").splitlines()]
    said = {line["message"].partition(": ")[::2]: line["level"] for line in lines}
    assert said == said | {
        ("Run by chalice-fargate poll and schedule, and not here", ", ".join(BY_COMMAND)): "INFO",
        ("Not served here; chalice-fargate invoke calls each by name", ", ".join(UNSERVED)): "WARNING",
    }


@pytest.mark.parametrize(
    ("served", "settings", "is_said"),
    [
        (app, Settings(), True),
        (app, Settings(websocket_redis_url="redis://host"), False),
        (app, Settings(websockets=False), False),
        (only_http, Settings(), False),
    ],
)
def test_commands_say_that_they_reach_no_websockets(
    served: Chalice, settings: Settings, is_said: bool, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level("INFO"):
        announce_reach(served, settings)
    assert ("WEBSOCKET_REDIS_URL" in caplog.text) is is_said
