"""Documents name what exists: settings, metrics, files, modules, commands and sections; README shows every folder."""

import functools
import re
import subprocess
from pathlib import Path, PurePosixPath

import pytest
from prometheus_client import CollectorRegistry

from chalicelib.settings import read_settings
from chalicelib.telemetry.metrics import REGISTRY
from fargate.settings import PARSERS
from fargate.start.project import STAGE_VARIABLE
from fargate.telemetry.http_metrics import metrics_in
from fargate.websockets.connections import LocalConnections
from fargate.websockets.metrics import SocketMetrics

ROOT = Path(__file__).resolve().parents[2]
DOCUMENTS = [
    *ROOT.glob("*.md"),
    *(ROOT / "docs").rglob("*.md"),
    *(ROOT / each / "README.md" for each in ("fargate", "prometheus", "terraform")),
]
MADE_BY_READERS = {PurePosixPath(name) for name in ("my.json", "sam.json", "empty_cache.py")}
"""Files that a reader makes by following a page."""

OF_THE_CLIENT = ("process_", "python_")


def test_the_page_of_settings_lists_every_setting_and_no_other() -> None:
    page = (ROOT / "docs" / "settings.md").read_text(encoding="utf-8")
    named = set(
        re.findall(r"`([A-Z][A-Z_]+)`", "\n".join(row.split("|")[1] for row in page.splitlines() if "|" in row))
    )
    shop = {*names_read_by_the_shop(), "REVISION"}
    migration = {"DATABASE_OWNER_URL", "DATABASE_OWNER_SECRET_ARN", "DATABASE_PROXY_SECRET_ARN"}
    adapter = {name.upper() for name in PARSERS} | {"API_KEYS", "API_KEYS_SECRET_ARN", STAGE_VARIABLE}
    assert named == shop | migration | adapter


def names_read_by_the_shop() -> set[str]:
    class Environment(dict[str, str]):
        def get(self, name: str, default: str | None = None) -> str | None:  # type: ignore[override]
            names.add(name)
            return super().get(name, default)

    names: set[str] = set()
    read_settings(Environment(DATABASE_URL="postgresql://me@localhost/shop", REDIS_URL="redis://localhost"))
    return names


def test_every_metric_is_on_the_page() -> None:
    of_requests = CollectorRegistry()
    metrics_in(of_requests, {})
    of_requests.register(SocketMetrics(LocalConnections()))
    families = [family for registry in (REGISTRY, of_requests) for family in registry.collect()]
    own = {family.name for family in families if not family.name.startswith(OF_THE_CLIENT)}
    page = (ROOT / "docs" / "observability.md").read_text(encoding="utf-8")
    named = {name.removesuffix("_total") for name in re.findall(r"`(\w+)`", page)}
    assert len(own) > 10
    assert not own - named


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
    folders = re.findall(r"`((?:chalicelib|fargate|local|tests|terraform|docs)/[\w./-]*/)`", text)
    assert not [name for name in folders if not (ROOT / name).is_dir()]
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
    definition = re.compile(rf"^(?:async def|def|class) {name}\b|^{name}\b.*=|^__all__ = .*\"{name}\"", re.MULTILINE)
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


def test_the_readme_shows_every_folder_of_the_code_and_only_files_that_exist() -> None:
    text = (ROOT / "README.md").read_text(encoding="utf-8").partition("## Where things are")[2].split("```")[1]
    shown = set()
    top = Path()
    for line in text.strip().splitlines():
        entries = re.split(r" {2,}", line.strip())[0].split()
        top = top if line.startswith(" ") else Path(entries[0])
        shown |= {top / entry if line.startswith(" ") else Path(entry) for entry in entries}
    assert not [path for path in shown if not (ROOT / path).exists()]
    folders = [path for package in ("chalicelib", "fargate") for path in (ROOT / package).glob("*/__init__.py")]
    assert {path.parent.relative_to(ROOT) for path in folders} <= shown


@pytest.mark.parametrize("folder", ["docs", "docs/decisions"])
def test_the_list_of_a_folder_links_every_page(folder: str) -> None:
    pages = {path.name for path in (ROOT / folder).glob("*.md")} - {"README.md"}
    linked = set(re.findall(r"\]\(([\w-]+\.md)\)", (ROOT / folder / "README.md").read_text(encoding="utf-8")))
    assert pages == linked


def test_the_readme_stays_a_first_page() -> None:
    assert len((ROOT / "README.md").read_text(encoding="utf-8").splitlines()) <= 150
