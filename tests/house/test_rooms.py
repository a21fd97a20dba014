"""Rooms know only the rooms below them, and none of them is crowded."""

import ast
import subprocess
from collections import Counter
from pathlib import Path, PurePosixPath

import pytest

ROOT = Path(__file__).resolve().parents[2]
MOST_MODULES = 12

# From the top down: a module imports from its own room and from those below it.
SHOP = [
    ["chalicelib.bootstrap", "chalicelib.migrate"],
    ["chalicelib.web"],
    ["chalicelib.catalog"],
    ["chalicelib.telemetry"],
    ["chalicelib.cache", "chalicelib.database"],
    ["chalicelib.settings"],
    ["chalicelib.database_url", "chalicelib.redis_client"],
    ["chalicelib.stores"],
    ["chalicelib.ports"],
    ["chalicelib.errors", "chalicelib.product"],
    ["chalicelib"],
]
LOCAL = [
    ["local.__main__", "local.observe"],
    ["local.command", "local.observed_shop", "local.shop"],
    ["local.servers", "local.terminal"],
    ["local.lock", "local.processes", "local.settings"],
    ["local.costs", "local.ports", "local.waiting"],
    ["local.errors"],
    ["local"],
]
ADAPTER = [
    ["fargate.__main__"],
    ["fargate.command"],
    ["fargate.commands"],
    ["fargate.servers", "fargate.start"],
    ["fargate.asgi", "fargate.queues", "fargate.schedules", "fargate.wsgi"],
    ["fargate.asgi_requests", "fargate.websockets"],
    ["fargate.fast_path", "fargate.handlers"],
    ["fargate.gateway"],
    ["fargate.telemetry"],
    ["fargate.settings"],
    ["fargate.auth"],
    ["fargate.patches", "fargate.waiting"],
    ["fargate.threads"],
    ["fargate.http"],
    ["fargate.requirements", "fargate.stores"],
    ["fargate.errors", "fargate.lifecycle", "fargate.probe"],
    ["fargate"],
]


def modules(package: str) -> dict[str, Path]:
    """Return the files of a package by their dotted names; of a package's own file, the package's name."""
    found = {}
    for path in (ROOT / package).rglob("*.py"):
        parts = path.relative_to(ROOT).with_suffix("").parts
        found[".".join(part for part in parts if part != "__init__")] = path
    return found


def imported_by(path: Path) -> set[str]:
    names = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            names |= {f"{node.module}.{alias.name}" for alias in node.names}
    return names


def room_of(module: str, floors: list[list[str]]) -> tuple[int, str] | None:
    """Return the floor and the room of a module or of a name in one: the longest room whose name begins it."""
    rooms = [(len(room), floor, room) for floor, row in enumerate(floors) for room in row]
    fitting = [(size, floor, room) for size, floor, room in rooms if f"{module}.".startswith(f"{room}.")]
    return max(fitting)[1:] if fitting else None


def climbing(package: str, floors: list[list[str]]) -> list[str]:
    """Return the imports that lead sideways or up."""
    wrong = []
    for module, path in modules(package).items():
        here = room_of(module, floors)
        assert here is not None
        for name in imported_by(path):
            there = room_of(name, floors)
            if there is not None and there[1] != here[1] and there[0] <= here[0]:
                wrong.append(f"{module} imports {name}")
    return wrong


@pytest.mark.parametrize(("package", "floors"), [("chalicelib", SHOP), ("fargate", ADAPTER), ("local", LOCAL)])
def test_rooms_know_only_the_rooms_below(package: str, floors: list[list[str]]) -> None:
    assert climbing(package, floors) == []


@pytest.mark.parametrize(("package", "floors"), [("chalicelib", SHOP), ("fargate", ADAPTER), ("local", LOCAL)])
def test_every_room_has_its_floor_and_says_what_lives_there(package: str, floors: list[list[str]]) -> None:
    named = {room for row in floors for room in row if room.startswith(f"{package}.")}
    there = {f"{package}.{path.stem}" for path in (ROOT / package).iterdir() if is_room(path)}
    assert named == there
    for folder in (path for path in (ROOT / package).rglob("*") if is_room(path) and path.is_dir()):
        assert ast.get_docstring(ast.parse((folder / "__init__.py").read_text(encoding="utf-8"))), folder


def is_room(path: Path) -> bool:
    if path.is_dir():
        return (path / "__init__.py").is_file()
    return path.suffix == ".py" and path.name != "__init__.py"


def test_no_room_is_crowded() -> None:
    files = subprocess.run(["git", "ls-files", "*.py"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    paths = [PurePosixPath(line) for line in files.splitlines() if (ROOT / line).is_file()]
    counted = Counter(path.parent for path in paths if path.name not in ("__init__.py", "conftest.py"))
    assert {str(room): number for room, number in counted.items() if number > MOST_MODULES} == {}
