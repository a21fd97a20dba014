"""A reference for routing: the resource of a path, found by trying every route."""

import re
from collections.abc import Iterator


def resource_of(patterns: list[str], path: str) -> tuple[str, dict[str, str] | None]:
    """Return the resource of a path and the values of its parameters."""
    found = min(_matches(patterns, path), default=None)
    if found is None:
        raise LookupError(path)
    return found[1], dict(found[2]) or None


def _matches(patterns: list[str], path: str) -> Iterator[tuple[list[int], str, list[tuple[str, str]]]]:
    for pattern in patterns:
        segments = [segment for segment in pattern.strip("/").split("/") if segment]
        match = re.fullmatch("".join("/" + _expression(segment) for segment in segments), "/" + path.strip("/"))
        if match or (not segments and not path.strip("/")):
            names = [segment.strip("{+}") for segment in segments if segment.startswith("{")]
            captured = list(zip(names, match.groups() if match else [], strict=True))
            yield [_rank(each) for each in segments], pattern, captured


def _expression(segment: str) -> str:
    return {0: re.escape(segment), 1: "([^/]+)", 2: "(.+)"}[_rank(segment)]


def _rank(segment: str) -> int:
    """Static beats parameter beats `{proxy+}`."""
    return 0 if not segment.startswith("{") else 2 if segment.endswith("+}") else 1
