"""`check` says what of an app is served, what is closed and what is not, and does nothing but import it."""

import importlib
import re
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest
from chalice import Chalice

from fargate.commands import check as check_command
from fargate.commands.program import program
from fargate.settings import Settings
from fargate.start.inventory import take_inventory
from tests.fargate.commands.calls import run
from tests.fixtures.servers import ROOT

TODO = """\
todo: what is served of it

Served:
  GET, POST         /todos
  DELETE, GET, PUT  /todos/{uid}
  GET               /livez        the adapter's own probe
  GET               /readyz       the adapter's own probe

All of it is served.
"""

EVERYTHING = """\
everything: what is served of it

Served:
  GET  /
  GET  /livez   the adapter's own probe
  GET  /readyz  the adapter's own probe

Run by other commands, since HTTP cannot reach them:
  on_cw_event watch_pipeline   chalice-fargate poll, if POLL_QUEUES names a queue that a rule sends its events to
  on_s3_event take_upload      chalice-fargate poll, if POLL_QUEUES names a queue that gets its bucket's events
  on_sns_message read_news     chalice-fargate poll, if POLL_QUEUES names a queue that is subscribed to its topic
  on_sqs_message drain_orders  chalice-fargate poll consumes its queue
  schedule extra_nightly       chalice-fargate schedule runs it at set times
  schedule hourly              chalice-fargate schedule runs it at set times

Not served by this server:
  on_ws_connect connect        SERVER=uvicorn serves WebSockets
  on_ws_disconnect disconnect  SERVER=uvicorn serves WebSockets
  on_ws_message message        SERVER=uvicorn serves WebSockets

Not run here: these stay on Lambda, since no command receives their events:
  lambda_function report           if a trigger calls it (Cognito's, Kafka's); by name: chalice-fargate invoke
  on_dynamodb_record follow_table  Lambda reads each shard of the table's stream in order for it
  on_kinesis_record count_clicks   Lambda reads each shard of the stream in order for it

Not all of it is served: 0 closed, 3 for another server, 3 on Lambda.
"""

GATED = """
from chalice import Chalice, AuthResponse, CognitoUserPoolAuthorizer, CustomAuthorizer, IAMAuthorizer

app = Chalice(app_name="gated")
pool = CognitoUserPoolAuthorizer("pool", provider_arns=["arn:aws:cognito-idp:eu-west-1:1:userpool/eu-west-1_Pool"])
external = CustomAuthorizer("external", authorizer_uri="arn:aws:lambda:x")


@app.authorizer()
def doorman(request):
    return AuthResponse(routes=["*"], principal_id="x")


app.route("/built-in", authorizer=doorman)(lambda: {})
app.route("/iam", methods=["PUT"], authorizer=IAMAuthorizer(), api_key_required=True)(lambda: {})
app.route("/external", authorizer=external)(lambda: {})
app.route("/pool", authorizer=pool)(lambda: {})
app.route("/key", methods=["POST", "GET"], api_key_required=True)(lambda: {})
app.route("/both", methods=["GET"])(lambda: {})
app.route("/both", methods=["POST"], api_key_required=True)(lambda: {})
app.route("/readyz")(lambda: {})
"""

COUNTED = """
import pathlib
from chalice import Chalice

app = Chalice(app_name="counted")


def on_start():
    pathlib.Path("started").touch()
"""


PROJECTS = sorted(path.parent for path in (ROOT / "tests" / "apps" / "projects").glob("*/app.py"))


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A Chalice project without an app."""
    (tmp_path / ".chalice").mkdir()
    (tmp_path / ".chalice" / "config.json").write_text('{"version": "2.0", "app_name": "x"}')
    return tmp_path


def check(folder: Path, *arguments: str, **environ: str) -> "subprocess.CompletedProcess[str]":
    return run(folder, "check", *arguments, environ=environ)


@pytest.mark.parametrize(("app", "status", "said"), [("todo", 0, TODO), ("everything", 1, EVERYTHING)])
def test_what_is_served_and_what_is_not(tmp_path: Path, app: str, status: int, said: str) -> None:
    done = check(tmp_path, f"tests.apps.{app}:app")
    assert (done.returncode, done.stdout, done.stderr) == (status, said, "")


CHANGES_THE_SHOP = "held_writers"
"""It adds routes to the shop's own app, which other tests of this process use."""
APPS = sorted({path.stem for path in (ROOT / "tests" / "apps").glob("[a-z]*.py")} - {CHANGES_THE_SHOP})


@pytest.mark.parametrize("name", APPS)
def test_every_method_of_every_route_is_named_once(name: str) -> None:
    app: Chalice = importlib.import_module(f"tests.apps.{name}").app
    lines = list(check_command.describe(app, take_inventory(app, Settings()), Settings()))
    methods = "|".join(["ANY", "DELETE", "GET", "HEAD", "OPTIONS", "PATCH", "POST", "PUT"])
    rows = re.findall(rf"^  ((?:{methods})(?:, (?:{methods}))*) +(/\S*)(?!.*own probe)", "\n".join(lines), re.MULTILINE)
    said = sorted(f"{method} {path}" for each, path in rows for method in each.split(", "))
    assert said == sorted(f"{method} {path}" for path, methods in app.routes.items() for method in methods)


def test_handlers_of_websockets_are_served_by_uvicorn() -> None:
    project = ROOT / "tests" / "apps" / "projects" / "chat"
    assert check(project).returncode == 1
    done = check(project, SERVER="uvicorn", WEBSOCKET_ACCESS_KEYS="AKIAFIRST:its-secret")
    rows = ["on_ws_connect connect", "on_ws_disconnect disconnect", "on_ws_message message"]
    assert done.returncode == 0
    assert "\n  ".join(["Served to WebSockets, on any path:", *rows]) in done.stdout
    assert "its-secret" not in done.stdout


def test_closed_routes_are_named_with_the_reason(tmp_path: Path) -> None:
    (tmp_path / "app.py").write_text(GATED)
    done = check(tmp_path)
    assert done.returncode == 1
    assert (
        done.stdout
        == """\
gated: what is served of it

Served:
  GET  /both
  GET  /built-in  authorizer doorman
  GET  /readyz
  GET  /livez     the adapter's own probe

Closed, since COGNITO_JWKS is not set:
  GET /pool

Closed, since IAM signatures cannot be checked here:
  PUT /iam

Closed, since external authorizers cannot be called from here:
  GET /external

Closed, since they require an API key and API_KEYS is not set:
  GET /key
  POST /both
  POST /key
  PUT /iam

Not all of it is served: 6 closed, 0 on Lambda.
"""
    )


@pytest.mark.parametrize(
    ("environ", "row"),
    [
        ({"API_KEYS": "hunter2"}, "GET, POST  /key       an API key"),
        ({"API_KEYS": "none"}, "GET, POST  /key       an API key, but API_KEYS=none lets anyone in"),
        ({"API_KEYS_SECRET_ARN": "arn:aws:secretsmanager:eu-west-1:1:secret:x"}, "GET, POST  /key       an API key"),
    ],
    ids=["key", "none", "secret"],
)
def test_with_keys_the_routes_are_open_and_no_key_is_shown_or_fetched(
    tmp_path: Path, environ: Mapping[str, str], row: str
) -> None:
    (tmp_path / "app.py").write_text(GATED)
    done = check(tmp_path, **environ)
    assert row in [line.strip() for line in done.stdout.splitlines()]
    assert "Not all of it is served: 3 closed" in done.stdout
    assert re.search(
        rf"^  {next(iter(environ))} +\((not shown|not fetched)\)  the environment$", done.stdout, re.MULTILINE
    )
    assert "hunter2" not in done.stdout + done.stderr


def test_a_setting_that_may_hold_a_password_is_not_shown(tmp_path: Path) -> None:
    (tmp_path / "app.py").write_text(GATED)
    done = check(tmp_path, SCHEDULE_REDIS_URL="redis://user:hunter2@host/0")
    assert "SCHEDULE_REDIS_URL  (not shown)  the environment" in done.stdout
    assert "hunter2" not in done.stdout + done.stderr


def test_it_says_where_settings_and_variables_come_from(project: Path) -> None:
    (project / "app.py").write_text("from chalice import Chalice\nimport os\napp = Chalice(os.environ['TABLE'])\n")
    (project / ".chalice" / "config.json").write_text(
        '{"lambda_memory_size": 512, "stages": {"prod": {"environment_variables":'
        ' {"TABLE": "products", "TOKEN": "hunter2", "BASE_PATH": "/api", "THREADS": "4"}}}}'
    )
    done = check(project, "--stage", "prod", THREADS="2", TOKEN="hunter3")
    assert (done.returncode, done.stderr) == (0, "")
    assert (
        done.stdout.partition("probe\n\n")[2]
        == """\
Settings that are not left to their defaults:
  BASE_PATH  /api  .chalice/config.json, stage prod
  THREADS    2     the environment

Variables from .chalice/config.json, stage prod:
  TABLE
  TOKEN  the environment has another value, which is used

Keys there that mean nothing in a container:
  lambda_memory_size

All of it is served.
"""
    )
    assert done.stdout.startswith("products: ")


def test_it_calls_nothing_of_the_app_and_writes_nothing(project: Path) -> None:
    (project / "app.py").write_text(COUNTED)
    done = check(project, PYTHONDONTWRITEBYTECODE="1")
    assert done.returncode == 0
    assert done.stdout.endswith("All of it is served.\non_start() was not called: only the start does that.\n")
    assert sorted(path.name for path in project.iterdir()) == [".chalice", "app.py"]


@pytest.mark.parametrize(
    ("app", "environ", "said"),
    [
        ("app = 1", {}, "'app:app' is not a Chalice app"),
        ("import os\nos.environ['TABLE']", {}, "Importing app:app fails: KeyError: 'TABLE'"),
        ("import sys\nsys.exit('no table')", {}, "Importing app:app fails: SystemExit: no table"),
        ("app = 1", {"THREADS": "no"}, "THREADS is 'no', not a whole number\n'app:app' is not a Chalice app"),
        ("", {"CHALICE_STAGE": "beta"}, "has no stage 'beta': it has none"),
    ],
    ids=["no app", "KeyError", "SystemExit", "setting", "stage"],
)
def test_what_cannot_start_is_said_as_the_start_says_it(
    project: Path, app: str, environ: Mapping[str, str], said: str
) -> None:
    if app:
        (project / "app.py").write_text(app)
    done = check(project, **environ)
    assert (done.returncode, done.stdout) == (2, "")
    assert "Cannot start:\n" in done.stderr
    assert done.stderr.endswith(f"{said}\n")


@pytest.mark.parametrize("folder", PROJECTS, ids=lambda path: path.name)
def test_the_projects_of_the_contract_tests_find_their_variables_and_packages(folder: Path) -> None:
    done = check(folder, PYTHONDONTWRITEBYTECODE="1")
    assert (done.returncode in (0, 1), done.stderr) == (True, "")


def test_an_app_that_is_not_there_cannot_start(tmp_path: Path) -> None:
    done = check(tmp_path, "nowhere:app")
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == "Cannot start:\nThere is no module 'nowhere' to serve (looked for 'nowhere:app')\n"


def test_the_help_of_the_command_names_the_others(tmp_path: Path) -> None:
    said = " ".join(run(tmp_path, "--help").stdout.split())
    assert "python -m fargate check says what of an app will be served; python -m fargate dockerfile writes" in said
    assert run(tmp_path, "check", "--help").stdout.startswith("usage: python -m fargate check ")


@pytest.mark.parametrize(
    ("called", "named"),
    [("/venv/bin/chalice-fargate", "chalice-fargate"), ("/venv/fargate/__main__.py", "python -m fargate")],
)
def test_the_help_names_the_program_as_it_was_called(monkeypatch: pytest.MonkeyPatch, called: str, named: str) -> None:
    monkeypatch.setattr(sys, "argv", [called])
    assert program() == named
