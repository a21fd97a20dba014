"""A failed start reports every error at once; a good one says what is served."""

import os
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

from chalicelib.redis_client.address import FORM
from fargate.settings import Server, Settings
from fargate.start import descriptors
from local.ports import free_port
from tests.fixtures.servers import ROOT, serving

SLOW_IMPORTS = {"aws_xray_sdk.core", "boto3", "botocore.session", "redis", "requests", "sqlalchemy", "unittest"}
"""Modules that take 0.1 s or more to import and that a shop without secrets does not need."""

FIRST_RESPONSE = """
import os, sys
from app import app
from fargate.gateway.core import Gateway
from fargate.http.messages import HttpRequest
from fargate.servers import waitress_server
from fargate.settings import read_settings
from fargate.telemetry.telemetry import telemetry_of

settings = read_settings(os.environ)
gateway = Gateway(app, settings, telemetry=telemetry_of(app, settings))
recorded = [("X-Amzn-Trace-Id", "Root=1-67891233-abcdef012345678912345678;Sampled=1")]
for path in ("/product/1", "/metrics"):
    answer = gateway.handle(HttpRequest("GET", path, "", recorded, b"", "10.0.0.1", "HTTP/1.1", 3000))
    print(answer.status, file=sys.stderr)
print(*sys.modules, file=sys.stderr)
"""


def start(*arguments: str, **environ: str) -> subprocess.CompletedProcess[str]:
    """Start a server that is expected to exit at once."""
    command = [sys.executable, "-m", "fargate", *arguments]
    return subprocess.run(command, env=environ, cwd=ROOT, capture_output=True, text=True, timeout=30, check=False)


def test_an_unknown_stage_stops_the_start() -> None:
    ended = start("--stage", "qa")
    assert ended.returncode == 2
    assert ended.stderr == f"Cannot start:\n{ROOT}/.chalice/config.json has no stage 'qa': it has dev, prod\n"


def test_all_errors_of_adapter_and_shop_are_reported_together() -> None:
    ended = start(
        PORT="http",
        THREADS="0",
        SERVER="apache",
        BINARY_MEDIA_TYPES="*/*",
        BASE_PATH="api",
        DATABASE_POOL_SIZE="many",
        REDIS_URL="localhost",
    )
    assert ended.returncode == 2
    assert ended.stderr == textwrap.dedent(f"""\
        Cannot start:
        PORT is 'http', not a whole number
        SERVER is 'apache', not one of waitress, uvicorn, granian
        THREADS is 0, not between 1 and 1000
        BINARY_MEDIA_TYPES is '*/*', not one of lenient, strict
        BASE_PATH is 'api', not a path such as /api
        DATABASE_URL is not set
        DATABASE_POOL_SIZE is 'many', not a whole number
        REDIS_URL {FORM}
    """)


def test_a_drain_longer_than_ecs_waits_is_refused() -> None:
    ended = start("tests.apps.echo:app", DRAIN_ACCEPT_SECONDS="60", DRAIN_SECONDS="51")
    assert ended.returncode == 2
    assert ended.stderr == (
        "Cannot start:\nDRAIN_ACCEPT_SECONDS (60) and DRAIN_SECONDS (51) follow each other and make 111 s together, "
        "more than 110: ECS kills a task 120 s after SIGTERM at the latest\n"
    )


@pytest.mark.parametrize(
    ("target", "message"),
    [
        ("nowhere:app", "There is no module 'nowhere' to serve (looked for 'nowhere:app')"),
        ("pool", "There is no module 'pool' to serve (looked for 'pool'); --help lists the commands"),
        ("tests.apps.echo:nothing", "'tests.apps.echo:nothing' is not a Chalice app"),
        ("json:dumps", "'json:dumps' is not a Chalice app"),
    ],
)
def test_a_missing_app_is_reported_in_one_sentence(target: str, message: str) -> None:
    ended = start(target)
    assert (ended.returncode, ended.stderr) == (2, f"Cannot start:\n{message}\n")


def test_a_port_in_use_is_reported_in_one_sentence() -> None:
    with serving({}, "tests.apps.echo:app") as server:
        ended = start("tests.apps.echo:app", "--host", "127.0.0.1", "--port", str(server.port))
    assert ended.returncode == 2
    assert ended.stderr == f"Cannot start:\nCannot listen on 127.0.0.1 port {server.port}: Address already in use\n"


def test_an_argument_overrides_its_variable_and_is_named_in_errors() -> None:
    ended = start("tests.apps.echo:app", "--port", "x", PORT=str(free_port()))
    assert ended.stderr == "Cannot start:\n--port is 'x', not a whole number\n"


def test_a_password_is_never_shown() -> None:
    ended = start(DATABASE_URL="postgresql://user:hunter2@:x/", REDIS_URL="redis://:hunter2@host:x")
    assert ended.returncode == 2
    assert "hunter2" not in ended.stderr + ended.stdout


@pytest.mark.parametrize(
    ("keys", "line"),
    [
        ("", "No API_KEYS: the routes that want a key are closed: DELETE /product/{id}, POST /data, PUT /product/{id}"),
        ("none", "API_KEYS=none: anyone may call the routes that want a key"),
    ],
)
def test_the_start_logs_closed_and_open_routes(database_url: str, redis_url: str, keys: str, line: str) -> None:
    with serving({"DATABASE_URL": database_url, "REDIS_URL": redis_url, "API_KEYS": keys}) as server:
        server.awaited_output(line)


def test_any_app_can_be_served(tmp_path: Path) -> None:
    (tmp_path / "thatapp.py").write_text(
        "from chalice import Chalice\napp = Chalice('that')\napp.route('/')(lambda: 1)\n"
    )
    with serving({"PYTHONPATH": str(tmp_path)}, "thatapp") as server:
        server.awaited_output("Serving that on 127.0.0.1 port")


@pytest.mark.parametrize(("server", "limit"), [(Server.WAITRESS, 40), (Server.UVICORN, 1000), (Server.GRANIAN, 1000)])
def test_the_limit_of_connections_fits_that_of_open_files(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, server: Server, limit: int
) -> None:
    monkeypatch.setattr(descriptors, "_open_descriptors", lambda: 8)
    assert descriptors.fit_connection_limit(Settings(server=server, threads=16), 80).connection_limit == limit
    (record,) = caplog.records
    assert record.getMessage() == (
        "The limit of open files is 80 (ulimit -n): there is room for 40 connections, "
        "fewer than CONNECTION_LIMIT (1000)"
    )


def test_a_limit_of_open_files_that_suffices_changes_nothing(caplog: pytest.LogCaptureFixture) -> None:
    settings = Settings()
    assert descriptors.fit_connection_limit(settings, 2000) is settings
    assert caplog.records == []


@pytest.mark.parametrize("workers", ["2", "0", "auto"])
def test_more_than_one_process_is_refused_with_the_reason(workers: str) -> None:
    ended = start("tests.apps.echo:app", WORKERS=workers)
    assert ended.returncode == 2
    assert f"WORKERS is '{workers}', but a task is one process: give it one vCPU, and run more tasks" in ended.stderr


def test_the_first_response_imports_no_slow_library(database_url: str, redis_url: str) -> None:
    """Checks modules instead of seconds, which depend on the machine. `make bench ONLY=start` measures them."""
    environ = {"DATABASE_URL": database_url, "REDIS_URL": redis_url, "PATH": os.environ["PATH"]}
    run = subprocess.run(
        [sys.executable, "-c", FIRST_RESPONSE],
        env=environ,
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    *statuses, modules = run.stderr.splitlines()
    assert statuses == ["404", "200"]
    assert "chalicelib.database.store" in modules.split()
    assert not SLOW_IMPORTS & set(modules.split())
