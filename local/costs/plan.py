"""The resources of a plan, from `terraform show -json PLAN`."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from local.costs.prices import CostError


@dataclass(frozen=True, slots=True)
class Resource:
    """A planned resource, without the values that are known only after the apply."""

    address: str
    type: str
    name: str
    module: str
    values: Mapping[str, Any]


class Plan:
    """All resources that exist after the apply."""

    def __init__(self, document: Mapping[str, Any]) -> None:
        """Read Terraform's JSON.

        Raises:
            CostError: it is no plan.
        """
        try:
            self.resources = list(_resources(document["planned_values"]["root_module"], ""))
            self.environment = str(document["variables"]["env"]["value"])
            self.region = str(document["variables"]["region"]["value"])
        except (KeyError, TypeError) as fault:
            raise CostError(f"This is no plan of this Terraform: {fault}.") from None

    def count(self, type: str, name: str) -> int:  # noqa: A002 - Terraform's word
        """Return how many resources of a type have a name."""
        return sum(1 for each in self.resources if (each.type, each.name) == (type, name))

    def beside(self, resource: Resource, type: str) -> Resource:  # noqa: A002
        """Return the one resource of a type in the same module."""
        (found,) = (each for each in self.resources if (each.type, each.module) == (type, resource.module))
        return found


def read_plan(file: Path) -> Plan:
    """Read a plan.

    Raises:
        CostError: the file holds none.
    """
    try:
        return Plan(json.loads(file.read_text(encoding="utf-8")))
    except (OSError, ValueError) as fault:
        raise CostError(f"{file}: {fault}") from None


def _resources(module: Mapping[str, Any], address: str) -> Iterator[Resource]:
    for each in module.get("resources", ()):
        if each["mode"] == "managed":
            yield Resource(each["address"], each["type"], each["name"], address, each.get("values", {}))
    for child in module.get("child_modules", ()):
        yield from _resources(child, child["address"])
