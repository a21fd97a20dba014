"""EventBridge: patterns that look into lists, such as the containers of a task (aws_cloudwatch_event_rule)."""

from collections.abc import Iterator
from typing import Any

from moto.events.models import EventPattern


def _flat(event: dict[str, Any]) -> dict[str, Any]:
    """Return an event's values by their paths; those of a list's members together, as EventBridge takes them."""
    found: dict[str, Any] = {}
    for path, value in _leaves(event, ""):
        found[path] = [*found[path], value] if path in found else [value]
    return found


def _leaves(node: Any, path: str) -> Iterator[tuple[str, Any]]:
    if isinstance(node, dict):
        for name, member in node.items():
            yield from _leaves(member, f"{path}.{name}" if path else name)
    elif isinstance(node, list):
        for member in node:
            yield from _leaves(member, path)
    else:
        yield path, node


EventPattern._flatten_dict = staticmethod(_flat)
