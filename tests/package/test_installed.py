"""Installed in an empty environment, outside this checkout, the package serves an app on each server."""

import json
from pathlib import Path

import httpx
import pytest

from tests.fixtures.servers import ROOT
from tests.package.environments import Environment, served, uv

EXTRA_SERVERS = ("granian", "uvicorn")

IMPORTED = """
import ast, fargate, json, pathlib, sys
from importlib.metadata import packages_distributions
names = set()
for path in pathlib.Path(fargate.__file__).parent.rglob("*.py"):
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            names |= {alias.name.partition(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            names.add(node.module.partition(".")[0])
homes = packages_distributions()
print(json.dumps(sorted({home for name in names - sys.stdlib_module_names for home in homes[name]})))
"""

ALSO_NEEDED = {
    "uvloop",  # uvicorn chooses it where it is there
}


@pytest.mark.parametrize("server", ["waitress", *EXTRA_SERVERS])
def test_it_serves_an_app_of_ten_lines_with_nothing_of_this_checkout(
    server: str, plain: Environment, complete: Environment, project: Path
) -> None:
    environment = complete if server in EXTRA_SERVERS else plain
    with served(environment, project, server) as url:
        loaded = httpx.get(f"{url}/loaded").json()
    assert str(project) in loaded["path"]
    known = [*loaded["path"], *filter(None, loaded["files"])]
    assert [path for path in known if path.startswith(f"{environment.folder}/") and path.endswith("/fargate/wsgi.py")]
    assert not [path for path in known if Path(path).is_relative_to(ROOT)]


def test_the_probe_asks_the_server(plain: Environment, project: Path) -> None:
    with served(plain, project, "waitress") as url:
        probed = plain.run("python", "-m", "fargate.probe", at=project, PORT=url.rpartition(":")[2])
    assert (probed.returncode, probed.stderr) == (0, "")


def test_its_requirements_fit_together(complete: Environment) -> None:
    uv("pip", "check", "--python", complete.python)


def test_it_imports_what_its_metadata_name_and_nothing_else(complete: Environment, project: Path) -> None:
    named = {"aws-xray-sdk", "botocore"}  # of the extra `tracer`, and of boto3
    metadata = complete.run(
        "python", "-c", "import importlib.metadata as m; print(*m.requires('chalice-fargate'), sep='\\n')", at=project
    )
    named |= {line.partition(">")[0].partition("[")[0] for line in metadata.stdout.splitlines()}
    imported = json.loads(complete.run("python", "-c", IMPORTED, at=project).stdout)
    assert {name.lower().replace("_", "-") for name in imported} - {"chalice-fargate"} == named - ALSO_NEEDED


def test_it_tells_its_version_and_its_name(plain: Environment, project: Path) -> None:
    told = plain.run("chalice-fargate", "--version", at=project)
    assert (told.stdout, told.stderr) == ("0.1.0\n", "")
    assert plain.run("chalice-fargate", "--help", at=project).stdout.startswith("usage: chalice-fargate ")


@pytest.mark.parametrize(
    ("environ", "message"),
    [
        ({"SERVER": "uvicorn"}, "SERVER is uvicorn, but httptools, uvicorn and wsproto are not installed"),
        ({"SERVER": "granian"}, "SERVER is granian, but granian is not installed"),
        ({"COGNITO_JWKS": "aws"}, "COGNITO_JWKS cannot be used: pyjwt is not installed"),
        ({"API_KEYS_SECRET_ARN": "arn:of:keys"}, "API_KEYS_SECRET_ARN cannot be used: boto3 is not installed"),
        ({"SCHEDULE_REDIS_URL": "redis://host"}, "SCHEDULE_REDIS_URL cannot be used: redis is not installed"),
        ({"WEBSOCKET_REDIS_URL": "redis://host"}, "WEBSOCKET_REDIS_URL cannot be used: redis is not installed"),
    ],
)
def test_without_an_extra_the_start_says_which_one_is_missing(
    environ: dict[str, str], message: str, plain: Environment, project: Path
) -> None:
    extras = {"COGNITO_JWKS": "cognito", "API_KEYS_SECRET_ARN": "secrets"}
    extra = environ.get("SERVER") or extras.get(next(iter(environ)), "redis")
    ended = plain.run("chalice-fargate", at=project, **environ)
    assert ended.returncode == 2
    assert ended.stderr == f'Cannot start:\n{message}: pip install "chalice-fargate[{extra}]"\n'


def test_without_boto3_poll_says_how_to_have_it(plain: Environment, project: Path) -> None:
    ended = plain.run("chalice-fargate", "poll", at=project)
    assert ended.returncode == 2
    assert ended.stderr == 'Cannot start:\nboto3 is not installed: pip install "chalice-fargate[poll]"\n'
