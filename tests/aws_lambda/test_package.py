"""The package has all that the shop imports and nothing else; it is compiled, small, and imported quickly."""

import re
import sys
from collections.abc import Callable

import pytest

from tests.aws_lambda.function import Sandbox
from tests.aws_lambda.packaged import BROUGHT_BY_LAMBDA, HERE, Package
from tests.fixtures.servers import ROOT
from tests.house.test_house import files_of, imports_of, packages_of, requirements

pytestmark = pytest.mark.infra  # packaging takes half a minute

MAX_ZIPPED_BYTES = 30_000_000
MAX_UNZIPPED_BYTES = 250 * 1024 * 1024  # Lambda's limit
MAX_MODULES = 330
HEAVY = {"boto3", "botocore.session", "requests", "sqlalchemy", "redis", "asyncio", "unittest"}
"""Modules that must not be imported: their cost is high for what the shop needs of them."""
PAGE = ROOT / "docs" / "lambda.md"

# Only a container or a developer needs these.
ELSEWHERE = {
    "fargate",
    "local",
    "tests",
    "waitress",
    "orjson",
    "alembic",
    "pip",
    "setuptools",
    "bin",
    "vendor",
    ".chalice",
}

# Parts of the shop that Lambda does not use: the migration runs from the container's image.
NOT_SERVED = ("migrate.py", "database/migrate.py", "database/migrations/", "database/service_role.py")


@pytest.fixture(scope="module")
def package(packaged: Callable[[str], Package]) -> Package:
    return packaged("dev")


@pytest.fixture(scope="module")
def listed(package: Package) -> dict[str, int]:
    """The size of each file in bytes, by path."""
    return package.sizes()


def test_it_is_small(package: Package, listed: dict[str, int]) -> None:
    assert package.zipped.stat().st_size < MAX_ZIPPED_BYTES
    assert sum(listed.values()) < MAX_UNZIPPED_BYTES


def test_a_cold_start_imports_little(sandbox: Sandbox) -> None:
    """Counts modules, as seconds depend on the machine. `tests.aws_lambda.measure` measures those."""
    imported = sandbox.imported_modules()
    assert "chalicelib.bootstrap" in imported
    assert len(imported) < MAX_MODULES
    assert not imported & HEAVY


MACHINES = {"arm64": "aarch64", "x86_64": "x86_64"}
"""The suffix of extension modules, by Lambda's name of an architecture."""


@pytest.mark.parametrize(("stage", "architecture"), [("prod", "arm64"), ("dev", HERE)])
def test_its_extensions_have_the_functions_architecture(
    stage: str, architecture: str, packaged: Callable[[str], Package]
) -> None:
    package = packaged(stage)
    extensions = [name for name in package.sizes() if name.endswith(".so")]
    assert any(name.startswith("hiredis/") for name in extensions)
    assert [name for name in extensions if f"-{MACHINES[architecture]}-linux" not in name] == []
    assert package.template["Resources"]["APIHandler"]["Properties"]["Architectures"] == [architecture]


def test_every_module_is_compiled(listed: dict[str, int]) -> None:
    """Lambda cannot write bytecode: a module without it is compiled at each cold start."""
    tag = sys.implementation.cache_tag
    compiled = {re.sub(rf"__pycache__/(\w+)\.{tag}\.pyc$", r"\1.py", name) for name in listed if name.endswith(".pyc")}
    assert compiled == {name for name in listed if name.endswith(".py")}


def test_bytecode_is_not_checked_against_its_source(sandbox: Sandbox) -> None:
    """Unpacking may change the files' times, so the bytecode must not depend on them (PEP 552)."""
    unchecked = {file.read_bytes()[4:8] for file in sandbox.task.rglob("*.pyc")}
    assert unchecked == {b"\x01\0\0\0"}


def test_it_has_the_shop_and_not_the_adapter(listed: dict[str, int]) -> None:
    shop = {path.relative_to(ROOT).as_posix() for path in [ROOT / "app.py", *files_of("chalicelib")]}
    assert shop | {"chalicelib/web/openapi.json", "chalice/app.py"} <= set(listed)
    tops = {name.partition("/")[0] for name in listed}
    assert not tops & ELSEWHERE


def test_libraries_of_the_runtime_are_not_packed(package: Package) -> None:
    needed_by_others_too = {"jmespath", "python-dateutil", "six"}  # small, and pinned by our lock
    assert package.distributions() & set(BROUGHT_BY_LAMBDA) == needed_by_others_too


def test_requirements_are_exactly_what_the_shop_imports_there() -> None:
    files = [ROOT / "app.py", *(path for path in files_of("chalicelib") if not is_left_out(path.as_posix()))]
    imported = packages_of(set().union(*map(imports_of, files))) - set(sys.stdlib_module_names)
    named = {name.replace("_", "-") for name in imported} - {"app", "chalicelib"}
    by_lambda_or_chalice = {"botocore", "chalice"}
    assert requirements(".chalice/requirements.in") == named - by_lambda_or_chalice


def is_left_out(path: str) -> bool:
    return any(f"chalicelib/{part}" in path for part in NOT_SERVED)


def test_versions_are_those_of_the_container() -> None:
    here, there = pins(".chalice/requirements.txt"), pins("requirements.txt")
    assert here
    assert here.items() <= there.items()


def pins(file: str) -> dict[str, str]:
    return dict(re.findall(r"^([\w.-]+)==([\w.]+)", (ROOT / file).read_text(encoding="utf-8"), re.MULTILINE))


def test_the_document_lists_the_packaged_distributions(package: Package) -> None:
    rows = re.findall(r"^\| `([\w-]+)` ", PAGE.read_text(encoding="utf-8"), re.MULTILINE)
    assert set(rows) == package.distributions() | {"chalice", "chalicelib"}
