"""Imports point one way, requirements are exactly what production imports, and both versions are equal."""

import ast
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from chalicelib import __version__

ROOT = Path(__file__).resolve().parents[2]
# Modules whose distribution has another name.
DISTRIBUTIONS = {
    "aws_lambda_powertools": "aws-lambda-powertools",
    "botocore": "boto3",  # which installs it; Powertools reads secrets with it
    "aws_xray_sdk": "aws-lambda-powertools",  # its extra `tracer`
    "prometheus_client": "prometheus-client",
}


def imports_of(path: Path) -> set[str]:
    """Return every module that a file imports, dotted."""
    names: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            names |= {node.module, *(f"{node.module}.{alias.name}" for alias in node.names)}
    return names


def files_of(*packages: str) -> list[Path]:
    return [path for package in packages for path in (ROOT / package).rglob("*.py")]


def packages_of(names: set[str]) -> set[str]:
    return {name.partition(".")[0] for name in names}


@pytest.mark.parametrize(
    ("package", "forbidden"),
    [
        ("fargate", {"chalicelib", "app", "local", "tests"}),
        ("chalicelib", {"fargate", "app", "local", "tests"}),
        ("local", {"fargate", "app", "tests"}),
    ],
)
def test_imports_point_one_way(package: str, forbidden: set[str]) -> None:
    for path in files_of(package):
        assert not packages_of(imports_of(path)) & forbidden, path


@pytest.mark.parametrize("module", ["product", "errors", "ports", "catalog", "web/product_body"])
def test_the_core_of_the_shop_imports_neither_http_nor_a_store(module: str) -> None:
    names = imports_of(ROOT / "chalicelib" / f"{module}.py")
    assert not packages_of(names) & {"chalice", "pg8000", "redis", "sqlalchemy", "alembic", "http"}


def test_production_requirements_are_exactly_what_production_imports() -> None:
    files = [ROOT / "app.py", *files_of("chalicelib", "fargate")]
    imported = packages_of(set().union(*map(imports_of, files))) - set(sys.stdlib_module_names)
    imported -= {"app", "chalicelib", "fargate", *extras()}
    named = {DISTRIBUTIONS.get(name, name) for name in imported}
    assert requirements("requirements.in") == named


def extras() -> set[str]:
    names = set().union(*(requirements(f"requirements-{each}.in") for each in ("uvicorn", "granian", "cognito")))
    names |= {"redis"}  # for `schedule` with a lease, which the shop does not run
    return {"jwt" if name == "pyjwt" else name for name in names}


def requirements(file: str) -> set[str]:
    lines = (ROOT / file).read_text(encoding="utf-8").splitlines()
    return {re.split(r"[\[\s;=]", line)[0] for line in lines if line and not line.startswith(("#", "-"))}


def test_importing_the_app_opens_no_connection_and_needs_no_setting() -> None:
    program = "import socket; socket.socket.connect = None; import app"
    subprocess.run([sys.executable, "-c", program], cwd=ROOT, env={}, check=True, timeout=30)


def test_the_version_is_the_same_everywhere() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert project["version"] == __version__
