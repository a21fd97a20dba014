"""What is packed: all that the shop imports, nothing else, compiled, small, and quick to import."""

import re
import sys
from collections.abc import Callable

import pytest

from tests.aws_lambda.function import Sandbox
from tests.aws_lambda.packaged import BROUGHT_BY_LAMBDA, HERE, Package
from tests.fixtures.servers import ROOT
from tests.house.test_house import files_of, imports_of, packages_of, requirements

MAX_ZIPPED_BYTES = 30_000_000
MAX_UNZIPPED_BYTES = 250 * 1024 * 1024  # Lambda's own limit
MAX_MODULES = 330
HEAVY = {"boto3", "botocore.session", "requests", "sqlalchemy", "redis", "asyncio", "unittest"}
"""What a module imports by mistake, or for the sake of one name."""
PAGE = ROOT / "docs" / "lambda.md"

# What a container or a developer needs.
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

# Of the shop, what no request on Lambda gets to: the migration runs from the container's image.
NOT_SERVED = ("migrate.py", "database/migrate.py", "database/migrations/", "database/service_role.py")


@pytest.fixture(scope="module")
def package(packaged: Callable[[str], Package]) -> Package:
    return packaged("dev")


@pytest.fixture(scope="module")
def listed(package: Package) -> dict[str, int]:
    """The bytes of every file in it, by path."""
    return package.sizes()


def test_it_is_small(package: Package, listed: dict[str, int]) -> None:
    assert package.zipped.stat().st_size < MAX_ZIPPED_BYTES
    assert sum(listed.values()) < MAX_UNZIPPED_BYTES


def test_a_cold_start_imports_little(sandbox: Sandbox) -> None:
    """Modules are counted, not seconds: those are the machine's. `tests.aws_lambda.measure` tells them."""
    imported = sandbox.imported_modules()
    assert "chalicelib.bootstrap" in imported
    assert len(imported) < MAX_MODULES
    assert not imported & HEAVY


MACHINES = {"arm64": "aarch64", "x86_64": "x86_64"}
"""By Lambda's name of an architecture: how the names of extension modules end."""


@pytest.mark.parametrize(("stage", "architecture"), [("prod", "arm64"), ("dev", HERE)])
def test_its_extensions_are_of_the_architecture_that_the_function_has(
    stage: str, architecture: str, packaged: Callable[[str], Package]
) -> None:
    package = packaged(stage)
    extensions = [name for name in package.sizes() if name.endswith(".so")]
    assert any(name.startswith("hiredis/") for name in extensions)
    assert [name for name in extensions if f"-{MACHINES[architecture]}-linux" not in name] == []
    assert package.template["Resources"]["APIHandler"]["Properties"]["Architectures"] == [architecture]


def test_every_module_is_compiled(listed: dict[str, int]) -> None:
    """Lambda cannot write bytecode, so what is not compiled here is compiled again at each cold start."""
    tag = sys.implementation.cache_tag
    compiled = {re.sub(rf"__pycache__/(\w+)\.{tag}\.pyc$", r"\1.py", name) for name in listed if name.endswith(".pyc")}
    assert compiled == {name for name in listed if name.endswith(".py")}


def test_nothing_asks_whether_bytecode_is_up_to_date(sandbox: Sandbox) -> None:
    """Unpacked files are as old as whoever unpacks them says: bytecode must not depend on that (PEP 552)."""
    unchecked = {file.read_bytes()[4:8] for file in sandbox.task.rglob("*.pyc")}
    assert unchecked == {b"\x01\0\0\0"}


def test_it_holds_the_shop_and_not_the_adapter(listed: dict[str, int]) -> None:
    shop = {path.relative_to(ROOT).as_posix() for path in [ROOT / "app.py", *files_of("chalicelib")]}
    assert shop | {"chalicelib/web/openapi.json", "chalice/app.py"} <= set(listed)
    tops = {name.partition("/")[0] for name in listed}
    assert not tops & ELSEWHERE


def test_what_lambda_brings_is_not_packed_twice(package: Package) -> None:
    needed_by_others_too = {"jmespath", "python-dateutil", "six"}  # small, and our lock's versions
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


def test_the_page_says_what_is_in_it(package: Package) -> None:
    rows = re.findall(r"^\| `([\w-]+)` ", PAGE.read_text(encoding="utf-8"), re.MULTILINE)
    assert set(rows) == package.distributions() | {"chalice", "chalicelib"}
