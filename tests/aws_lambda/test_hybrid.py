"""An app of which one half stays on Lambda while the other runs in a container (docs/events.md)."""

import json
import shutil
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from zipfile import ZipFile

import pytest

from tests.fargate.commands.calls import run
from tests.fixtures.servers import ROOT, passed_on

PROJECT = ROOT / "tests" / "apps" / "projects" / "hybrid"

SHARED = {"chalicelib/__init__.py", "chalicelib/totals.py"}

AWS = {"AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test", "AWS_DEFAULT_REGION": "eu-west-1"}
"""Chalice requires them; it calls nothing."""


def copy_project(folder: Path) -> None:
    shutil.copytree(PROJECT, folder, dirs_exist_ok=True, ignore=shutil.ignore_patterns("__pycache__"))


@pytest.fixture(scope="module")
def packaged(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of `chalice package`, called as docs/events.md says."""
    project = tmp_path_factory.mktemp("hybrid") / "project"
    copy_project(project)
    chalice = [sys.executable, "-c", "from chalice.cli import main; main()"]
    package = ["package", "--stage", "dev", "--merge-template", ".chalice/triggers.json", "packaged"]
    environ = {**passed_on(), **AWS, "AWS_EC2_METADATA_DISABLED": "true", "PYTHONDONTWRITEBYTECODE": "1"}
    subprocess.run([*chalice, *package], cwd=project, env=environ, check=True, capture_output=True, timeout=60)
    return project / "packaged"


@pytest.fixture(scope="module")
def resources(packaged: Path) -> Mapping[str, Any]:
    """Those of the template, by name."""
    template: dict[str, Any] = json.loads((packaged / "sam.json").read_text(encoding="utf-8"))
    resources: dict[str, Any] = template["Resources"]
    return resources


def test_the_template_has_a_function_with_its_source_for_each_handler_that_stays_and_nothing_else(
    resources: Mapping[str, Any],
) -> None:
    functions = {
        each["Properties"]["Handler"]: [source["Type"] for source in each["Properties"].get("Events", {}).values()]
        for each in resources.values()
        if each["Type"] == "AWS::Serverless::Function"
    }
    assert functions == {
        "app.count_clicks": ["Kinesis"],
        "app.follow_orders": ["DynamoDB"],
        "app.take_payments": ["MSK"],
        "app.confirm_user": [],
    }
    others = {each["Type"] for each in resources.values()} - {"AWS::Serverless::Function"}
    assert others == {"AWS::IAM::Role", "AWS::Lambda::Permission"}, "no API, no rule, no subscription"


def test_the_sources_are_those_of_the_decorators_and_of_the_merged_template(resources: Mapping[str, Any]) -> None:
    sources = [
        next(iter(resources[name]["Properties"]["Events"].values()))["Properties"]
        for name in ("CountClicks", "FollowOrders", "TakePayments")
    ]
    assert sources[0]["Stream"]["Fn::Sub"].endswith(":stream/clicks")
    assert (sources[0]["BatchSize"], sources[0]["StartingPosition"]) == (50, "TRIM_HORIZON")
    assert ":table/orders/stream/" in sources[1]["Stream"]
    assert sources[2]["Topics"] == ["payments"]
    assert resources["ConfirmUserCalledByCognito"]["Properties"]["FunctionName"] == {"Ref": "ConfirmUser"}


def test_the_package_has_its_half_and_what_both_share(packaged: Path) -> None:
    with ZipFile(packaged / "deployment.zip") as file:
        names = {name for name in file.namelist() if not name.startswith("chalice/")}
    assert names == {"app.py", *SHARED}


def test_check_says_of_the_containers_half_that_all_of_it_is_served_or_run() -> None:
    done = run(PROJECT, "check", "service:app")
    assert (done.returncode, done.stderr) == (0, "")
    assert (
        done.stdout
        == """\
hybrid: what is served of it

Served:
  POST  /total
  GET   /livez   the adapter's own probe
  GET   /readyz  the adapter's own probe

Run by other commands, since HTTP cannot reach them:
  on_sqs_message take_orders  chalice-fargate poll consumes its queue
  schedule nightly            chalice-fargate schedule runs it at set times

All of it is served, or run by another command.
"""
    )


def test_check_says_of_lambdas_half_that_it_stays_there() -> None:
    done = run(PROJECT, "check")
    assert done.returncode == 1
    assert "Run by other commands" not in done.stdout
    assert done.stdout.endswith("Not all of it is served: 0 closed, 4 on Lambda.\n")


def test_the_image_has_the_containers_half_and_what_both_share(tmp_path: Path) -> None:
    copy_project(tmp_path)
    (tmp_path / "requirements.txt").write_text("chalice\n")
    assert run(tmp_path, "dockerfile", "--app", "service:app").returncode == 0
    lines = (tmp_path / "Dockerfile").read_text().splitlines()
    copied = {line.split()[1] for line in lines if line.startswith("COPY ") and "--from" not in line}
    assert copied == {"requirements.txt", "service.py", "chalicelib"}
