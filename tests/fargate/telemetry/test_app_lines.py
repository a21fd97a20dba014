"""An app's own log lines: JSON, with the ids and keys of their request only, without secrets."""

import json
from concurrent.futures import ThreadPoolExecutor

import httpx
import pytest

from fargate.http.messages import HttpRequest
from fargate.telemetry.redaction import process_secrets, redact, request_secrets
from tests.fargate.telemetry.conftest import SERVERS
from tests.fargate.telemetry.lines import await_line
from tests.fixtures.servers import serving

KEY = "kept-in-a-drawer"
TOKEN = "Bearer of-good-news"
BODY = {"password": "opensesame", "card": {"number": "4000 0000"}, "note": 'with "quotes"'}


@pytest.mark.parametrize("name", SERVERS)
def test_no_key_of_a_request_is_on_anothers_line(name: str) -> None:
    requests = 240
    with serving({}, "tests.fargate.telemetry.logging_app:app", "--server", name) as server:
        with httpx.Client(base_url=server.url, timeout=30) as client, ThreadPoolExecutor(16) as pool:
            answers = list(pool.map(lambda number: client.get(f"/keys/user-{number}"), range(requests)))
        by_request = {answer.headers["x-amzn-requestid"]: answer.json()["user"] for answer in answers}
        await_line(server, lambda line: line.get("request_id") == answers[-1].headers["x-amzn-requestid"])
        server.process.terminate()
        assert server.process.wait(30) == 0
        own = [json.loads(line) for line in server.output().splitlines() if "asked_by" in line]
        access = [json.loads(line) for line in server.output().splitlines() if "/keys/{user} 200" in line]
    assert len(own) == 2 * requests
    assert [line for line in own if line["user"] != line["asked_by"]] == []
    named = [line for line in own if "request_id" in line]  # a logger of another service keeps its format
    assert len(named) >= requests
    assert [line for line in named if by_request[line["request_id"]] != line["user"]] == []
    assert sorted(line["user"] for line in access) == sorted(by_request.values())


@pytest.mark.parametrize("name", SERVERS)
def test_every_logger_writes_json(name: str) -> None:
    with serving({}, "tests.fargate.telemetry.logging_app:app", "--server", name) as server:
        request_id = httpx.get(server.url + "/plain").headers["x-amzn-requestid"]
        await_line_of_print(server.output)
        server.process.terminate()
        assert server.process.wait(30) == 0
        lines = [json.loads(line) for line in server.output().splitlines() if line != "by print"]
        for message in ("by the standard library's logger", "by Chalice's own logger"):
            (line,) = [line for line in lines if line["message"] == message]
            assert line["request_id"] == request_id


def await_line_of_print(output: object) -> None:
    from local.waiting import wait_until

    assert callable(output)
    assert wait_until(lambda: "by print\n" in output(), 10)


@pytest.mark.parametrize("level", ["DEBUG", "INFO"])
@pytest.mark.parametrize("name", SERVERS)
def test_no_secret_is_written_tracebacks_included(name: str, level: str) -> None:
    environ = {"API_KEYS": KEY, "POWERTOOLS_LOG_LEVEL": level, "DATABASE_URL": "postgresql://a:hush-hush@nowhere/shop"}
    with serving(environ, "tests.fargate.telemetry.logging_app:app", "--server", name) as server:
        headers = {"x-api-key": KEY, "authorization": TOKEN}
        answer = httpx.post(server.url + "/fails", json=BODY, headers=headers)
        assert answer.status_code == 500
        line = await_line(server, lambda line: "exception" in line)
        server.process.terminate()
        server.process.wait(30)
        output = server.output()
    assert line["exception_name"] == "ValueError"
    assert line["request_id"] == answer.headers["x-amzn-requestid"]
    assert "in fails" in line["exception"]
    for secret in (KEY, TOKEN, "of-good-news", "opensesame", "4000 0000", "quotes", "hush-hush"):
        assert secret not in output


def test_an_exit_of_the_app_is_logged_as_an_error_of_its_request() -> None:
    with serving({}, "tests.fargate.telemetry.logging_app:app") as server:
        answer = httpx.get(server.url + "/exits")
        line = await_line(server, lambda line: line.get("exception_name") == "SystemExit")
        assert (answer.status_code, line["level"], line["request_id"]) == (
            502,
            "ERROR",
            answer.headers["x-amzn-requestid"],
        )


def test_secrets_are_found_in_the_environment() -> None:
    environ = {
        "API_KEYS": "first-key, second-key",
        "API_KEYS_SECRET_ARN": "arn:aws:secretsmanager:eu-west-1:000000000000:secret:keys",
        "REDIS_URL": "rediss://shop:p%40ssword@cache:6379/0?ssl_password=of-the-key&db=1",
        "DATABASE_URL": "postgresql:///shop?host=/run/postgresql&user=shop&password=hush-hush",
        "GITHUB_TOKEN": "none",
        "WEBSOCKET_ACCESS_KEYS": "AKIAFIRST:its-secret, AKIANEXT:another",
        "HOME": "/root",
    }
    access_keys = {"AKIAFIRST:its-secret", "its-secret", "AKIANEXT:another", "another"}
    url_secrets = {"p%40ssword", "p@ssword", "of-the-key", "hush-hush"}
    assert set(process_secrets(environ)) == {"first-key", "second-key", *url_secrets, *access_keys}


def test_a_secret_is_found_in_every_form() -> None:
    request = HttpRequest("POST", "/", "", [("X-Api-Key", "a-key")], 'ein "Körper"'.encode(), "", "HTTP/1.1", 1)
    secrets = request_secrets(request)
    for text in ('ein "Körper"', repr('ein "Körper"'.encode()), json.dumps('ein "Körper"'), "a-key"):
        assert "rper" not in redact(text, secrets)
        assert "a-key" not in redact(text, secrets)
