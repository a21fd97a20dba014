"""The start logs the names of handlers that HTTP cannot reach, in one line."""

import json

import httpx

from fargate.gateway.unserved import socket_handlers, unserved_handlers
from tests.apps.everything import app
from tests.apps.mirror import app as only_http
from tests.fixtures.servers import serving

UNSERVED = [
    "lambda_function report",
    "on_cw_event watch_pipeline",
    "on_dynamodb_record follow_table",
    "on_kinesis_record count_clicks",
    "on_s3_event take_upload",
    "on_sns_message read_news",
    "on_sqs_message drain_orders",
    "on_ws_connect connect",
    "on_ws_disconnect disconnect",
    "on_ws_message message",
    "schedule extra_nightly",
    "schedule hourly",
]


def test_every_kind_is_found() -> None:
    assert sorted(map(str, unserved_handlers(app) + socket_handlers(app))) == UNSERVED


def test_an_app_of_routes_alone_has_none() -> None:
    assert unserved_handlers(only_http) == []


def test_the_start_logs_them_in_one_line() -> None:
    with serving({}, "tests.apps.everything:app") as server:
        assert httpx.get(server.url).status_code == 200
        lines = [line for line in server.awaited_output("Not served").splitlines() if "Not served" in line]
    (line,) = [json.loads(line) for line in lines]
    assert line["level"] == "WARNING"
    assert line["message"] == f"Not served here, since HTTP cannot reach them: {', '.join(UNSERVED)}"
