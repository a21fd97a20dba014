"""Find the route of a path as API Gateway does: static beats parameter beats `{proxy+}`, segment by segment.

`app.routes` is a defaultdict and keeps every key that it is asked for, so paths of requests are never looked up in it.
"""

from collections.abc import Mapping
from typing import NamedTuple
from urllib.parse import unquote

from chalice.app import RouteEntry


class Route(NamedTuple):
    """One path of the app with its methods."""

    pattern: str
    methods: Mapping[str, RouteEntry]


class Match(NamedTuple):
    """A route and the values of its parameters, percent-encoded as sent."""

    route: Route
    parameters: Mapping[str, str] | None


class _Leaf(NamedTuple):
    """A route and the names of its parameters; `/{a}/x` and `/{b}/y` share a node but not the name."""

    route: Route
    names: tuple[str, ...]


class _Node:
    """One segment of the route table."""

    __slots__ = ("leaf", "parameter", "proxy", "static")

    def __init__(self) -> None:
        self.static: dict[str, _Node] = {}
        self.parameter: _Node | None = None
        self.proxy: _Leaf | None = None
        self.leaf: _Leaf | None = None

    def add(self, segments: list[str], leaf: _Leaf) -> None:
        if not segments:
            self.leaf = self.leaf or leaf
            return
        head, rest = segments[0], segments[1:]
        name = _parameter(head)
        if name is None:
            self.static.setdefault(head, _Node()).add(rest, leaf)
        elif name.endswith("+"):
            self.proxy = self.proxy or leaf
        else:
            self.parameter = self.parameter or _Node()
            self.parameter.add(rest, leaf)

    def find(self, segments: list[str], at: int) -> tuple[_Leaf, tuple[str, ...]] | None:
        """Return the best route for `segments[at:]` and the values of its parameters."""
        if at == len(segments):
            return (self.leaf, ()) if self.leaf else None
        segment = segments[at]
        child = self.static.get(unquote(segment) if "%" in segment else segment)
        if child and (found := child.find(segments, at + 1)):
            return found
        if segment and self.parameter and (found := self.parameter.find(segments, at + 1)):
            return found[0], (segment, *found[1])
        if self.proxy:
            return self.proxy, ("/".join(segments[at:]),)
        return None


class RouteTable:
    """The routes of an app. Built once, used by all threads."""

    def __init__(self, routes: Mapping[str, Mapping[str, RouteEntry]]) -> None:
        self._root = _Node()
        for pattern, methods in routes.items():
            if methods:
                segments = _segments(pattern)
                names = tuple(name.rstrip("+") for name in map(_parameter, segments) if name is not None)
                self._root.add(segments, _Leaf(Route(pattern, dict(methods)), names))

    def match(self, path: str) -> Match | None:
        """Return the route of a percent-encoded path, or None; slashes at either end do not matter."""
        found = self._root.find(_segments(path), 0)
        if found is None:
            return None
        leaf, captures = found
        return Match(leaf.route, dict(zip(leaf.names, captures, strict=False)) or None)


def _segments(path: str) -> list[str]:
    trimmed = path.strip("/")
    return trimmed.split("/") if trimmed else []


def _parameter(segment: str) -> str | None:
    return segment[1:-1] if segment.startswith("{") and segment.endswith("}") else None
