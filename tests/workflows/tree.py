"""The files that the pipeline is made of, as they are, or with one of them changed on purpose."""

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
    """The checkout; `changed` holds what other text some files are to have. None: the file is not there."""

    changed: Mapping[str, str | None] = field(default_factory=dict)

    def exists(self, path: str | Path) -> bool:
        """Say whether a file or folder is there."""
        name = Path(path).as_posix()
        return self.changed[name] is not None if name in self.changed else (ROOT / name).exists()

    def text(self, path: str | Path) -> str:
        """Return what a file holds; nothing, where there is none."""
        name = Path(path).as_posix()
        if not self.exists(name):
            return ""
        return self.changed.get(name) or (ROOT / name).read_text(encoding="utf-8")

    def together(self, folder: str, pattern: str) -> str:
        """Return what all files of a folder hold that match."""
        return "\n".join(self.text(path) for path in self.files(folder, pattern))

    def files(self, folder: str, pattern: str) -> list[Path]:
        """Return the files of a folder that match."""
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
    """Read a workflow; YAML 1.1 takes its key `on` for a truth value."""
    document: dict[Any, Any] = yaml.safe_load(text)
    return {"on": document[True], **document}


def jobs_of(workflows: Mapping[str, Document]) -> Iterator[tuple[str, Document]]:
    """Yield every job of some workflows, each with a word on where it stands."""
    for name, document in workflows.items():
        for label, job in document["jobs"].items():
            yield f"{name}: {label}", job


def called_by(document: Document) -> Document:
    """Return what a re-usable workflow declares for its callers; nothing where it is none."""
    on = document["on"]
    return (on.get("workflow_call") or {}) if isinstance(on, dict) else {}


def declared(kind: str, text: str) -> set[str]:
    """Return the names that Terraform text declares: of a `variable`, `output` or `module`."""
    return set(re.findall(rf'^{kind} "(\w+)"', text, re.MULTILINE))


def resources(text: str) -> set[str]:
    """Return the resources that Terraform text declares, as `type.name`."""
    return {f"{kind}.{name}" for kind, name in re.findall(r'^resource "(\w+)" "(\w+)"', text, re.MULTILINE)}


def block(kind: str, name: str, text: str) -> str:
    """Return one top-level block of Terraform text; nothing where there is none."""
    found = re.search(rf'^{kind} "{name}" {{\n(.*?)^}}', text, re.MULTILINE | re.DOTALL)
    return found[1] if found else ""
