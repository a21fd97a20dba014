"""The files of the pipeline, as they are or with some replaced by a test."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).resolve().parents[2]
WORKFLOWS = Path(".github", "workflows")
SCRIPTS = Path(".github", "scripts")

Document = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Tree:
    """The checkout; `changed` holds the replaced texts of files. None: the file is missing."""

    changed: Mapping[str, str | None] = field(default_factory=dict)

    def exists(self, path: str | Path) -> bool:
        """Return whether a file or folder exists."""
        name = Path(path).as_posix()
        return self.changed[name] is not None if name in self.changed else (ROOT / name).exists()

    def text(self, path: str | Path) -> str:
        """Return a file's text; empty if there is no file."""
        name = Path(path).as_posix()
        if not self.exists(name):
            return ""
        return self.changed.get(name) or (ROOT / name).read_text(encoding="utf-8")

    def together(self, folder: str, pattern: str) -> str:
        """Return the text of all matching files of a folder."""
        return "\n".join(self.text(path) for path in self.files(folder, pattern))

    def files(self, folder: str, pattern: str) -> list[Path]:
        """Return the matching files of a folder."""
        found = (path.relative_to(ROOT) for path in sorted((ROOT / folder).glob(pattern)))
        return [path for path in found if self.exists(path)]

    def workflows(self) -> dict[str, Document]:
        """Return the workflows by the names of their files."""
        return {path.name: workflow(self.text(path)) for path in self.files(WORKFLOWS.as_posix(), "*.yml")}

    def scripts(self) -> dict[str, str]:
        """Return the scripts by the names of their files."""
        return {path.name: self.text(path) for path in self.files(SCRIPTS.as_posix(), "*.sh")}


@cache
def workflow(text: str) -> Document:
    """Read a workflow; YAML 1.1 reads its key `on` as a boolean."""
    document: dict[Any, Any] = yaml.safe_load(text)
    return {"on": document[True], **document}


def jobs_of(workflows: Mapping[str, Document]) -> Iterator[tuple[str, Document]]:
    """Yield every job of some workflows, each with its place."""
    for name, document in workflows.items():
        for label, job in document["jobs"].items():
            yield f"{name}: {label}", job


def called_by(document: Document) -> Document:
    """Return the declarations of a reusable workflow for its callers; empty if it is not reusable."""
    on = document["on"]
    return (on.get("workflow_call") or {}) if isinstance(on, dict) else {}


def declared(kind: str, text: str) -> set[str]:
    """Return the names that Terraform text declares: of a `variable`, `output` or `module`."""
    return set(re.findall(rf'^{kind} "(\w+)"', text, re.MULTILINE))


def resources(text: str) -> set[str]:
    """Return the resources that Terraform text declares, as `type.name`."""
    return {f"{kind}.{name}" for kind, name in re.findall(r'^resource "(\w+)" "(\w+)"', text, re.MULTILINE)}


def block(kind: str, name: str, text: str) -> str:
    """Return one top-level block of Terraform text; empty if there is none."""
    found = re.search(rf'^{kind} "{name}" {{\n(.*?)^}}', text, re.MULTILINE | re.DOTALL)
    return found[1] if found else ""
