"""The house stays in order: arrows point one way, requirements are what is imported, documents name what exists."""

import ast
import functools
import re
import subprocess
import sys
import tomllib
from pathlib import Path, PurePosixPath

import pytest

from chalicelib import __version__
from chalicelib.settings import read_settings
from fargate.settings import PARSERS

ROOT = Path(__file__).resolve().parents[2]
DOCUMENTS = [
    *ROOT.glob("*.md"),
    *(ROOT / "docs").rglob("*.md"),
    *(ROOT / each / "README.md" for each in ("fargate", "prometheus", "terraform")),
]
MADE_BY_READERS = {PurePosixPath(name) for name in ("my.json", "sam.json", "empty_cache.py")}
"""Files that a reader makes by following a page."""

# What is imported under another name than the one it is installed by.
DISTRIBUTIONS = {
    "aws_lambda_powertools": "aws-lambda-powertools",
    "botocore": "boto3",  # which brings it, and is what Powertools reads secrets with
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
    ("package", "strangers"),
    [
        ("fargate", {"chalicelib", "app", "local", "tests"}),
        ("chalicelib", {"fargate", "app", "local", "tests"}),
        ("local", {"fargate", "app", "tests"}),
    ],
)
def test_arrows_point_one_way(package: str, strangers: set[str]) -> None:
    for path in files_of(package):
        assert not packages_of(imports_of(path)) & strangers, path


@pytest.mark.parametrize("module", ["product", "errors", "ports", "catalog", "web/product_body"])
def test_the_heart_of_the_shop_knows_neither_http_nor_a_store(module: str) -> None:
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
    return {"jwt" if name == "pyjwt" else name for name in names}


def requirements(file: str) -> set[str]:
    lines = (ROOT / file).read_text(encoding="utf-8").splitlines()
    return {re.split(r"[\[\s;=]", line)[0] for line in lines if line and not line.startswith(("#", "-"))}


def test_importing_the_app_opens_no_connection_and_needs_no_setting() -> None:
    program = "import socket; socket.socket.connect = None; import app"
    subprocess.run([sys.executable, "-c", program], cwd=ROOT, env={}, check=True, timeout=30)


def test_the_page_of_settings_lists_every_setting_and_no_other() -> None:
    page = (ROOT / "docs" / "settings.md").read_text(encoding="utf-8")
    named = set(
        re.findall(r"`([A-Z][A-Z_]+)`", "\n".join(row.split("|")[1] for row in page.splitlines() if "|" in row))
    )
    shop = {*names_read_by_the_shop(), "REVISION"}
    migration = {"DATABASE_OWNER_URL", "DATABASE_OWNER_SECRET_ARN", "DATABASE_PROXY_SECRET_ARN"}
    adapter = {name.upper() for name in PARSERS} | {"API_KEYS", "API_KEYS_SECRET_ARN"}
    assert named == shop | migration | adapter


def names_read_by_the_shop() -> set[str]:
    class Environment(dict[str, str]):
        def get(self, name: str, default: str | None = None) -> str | None:  # type: ignore[override]
            names.add(name)
            return super().get(name, default)

    names: set[str] = set()
    read_settings(Environment(DATABASE_URL="postgresql://me@localhost/shop", REDIS_URL="redis://localhost"))
    return names


def test_the_version_is_the_same_everywhere() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert project["version"] == __version__


def test_every_make_target_that_a_document_names_exists() -> None:
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE))
    for document in DOCUMENTS:
        named = set(re.findall(r"(?:`|^)make ([a-z][a-z-]*)", document.read_text(encoding="utf-8"), re.MULTILINE))
        assert named <= targets, document


@pytest.mark.parametrize(
    "document",
    [document for document in DOCUMENTS if document.name != "CHANGELOG.md"],  # it names files of older versions
    ids=lambda path: str(path.relative_to(ROOT)),
)
def test_every_file_and_module_that_a_document_names_exists(document: Path) -> None:
    text = document.read_text(encoding="utf-8")
    files = {PurePosixPath(name) for name in re.findall(r"`([\w.][\w./-]*\.(?:py|tf|sh|json|toml|txt|lua))`", text)}
    missing = [name for name in files - MADE_BY_READERS if not is_there(name, document.parent)]
    assert not missing
    names = re.findall(r"(?<![\w./-])(?:chalicelib|fargate|local|tests)(?:\.\w+)+", text)
    for module, imported in re.findall(r"^from ((?:chalicelib|fargate)\S*) import ([\w, ]+)", text, re.MULTILINE):
        names += [f"{module}.{name.strip()}" for name in imported.split(",")]
    assert not [name for name in names if not is_importable(name)]


def is_there(name: PurePosixPath, folder: Path) -> bool:
    """Tell whether a file exists: a path from the root or from the document, a bare name in any folder."""
    if len(name.parts) == 1:
        return any(PurePosixPath(file).name == str(name) for file in tracked())
    return any((start / name).exists() for start in (ROOT, folder))


def is_importable(dotted: str) -> bool:
    """Tell whether `package.module` is a file or a folder; of `package.module.name`, that the file defines the name."""
    parent, _, name = dotted.rpartition(".")
    base = ROOT / dotted.replace(".", "/")
    if base.is_dir() or base.with_suffix(".py").is_file():
        return True
    file = (ROOT / parent.replace(".", "/")).with_suffix(".py")
    definition = re.compile(rf"^(?:async def|def|class) {name}\b|^{name}\b.*=", re.MULTILINE)
    return file.is_file() and definition.search(file.read_text(encoding="utf-8")) is not None


@functools.cache
def tracked() -> list[str]:
    return subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=True).stdout.splitlines()


def test_every_local_link_of_a_document_leads_somewhere() -> None:
    for document in DOCUMENTS:
        for file, section in re.findall(r"\]\((?!http)([^)#]*)(?:#([^)]+))?\)", document.read_text(encoding="utf-8")):
            target = document.parent / file if file else document
            assert target.exists(), (document, file)
            assert not section or section in sections_of(target), (document, section)


def sections_of(document: Path) -> set[str]:
    """Return the anchors that GitHub gives to a page's headings."""
    headings = re.findall(r"^#+ (.*)$", document.read_text(encoding="utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-") for heading in headings}
