"""Find the route of a path as API Gateway does: static beats parameter beats `{proxy+}`, segment by segment.

Never asks `app.routes` about a path that a client sent: it is a defaultdict, and would keep every path it was asked.
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
    """A route, and what its parameters hold in this path: still percent-encoded, as REST APIs leave them."""

    route: Route
    parameters: dict[str, str] | None


class _Node:
    """One segment of the route table."""

    __slots__ = ("parameters", "proxy", "route", "static")

    def __init__(self) -> None:
        self.static: dict[str, _Node] = {}
        self.parameters: dict[str, _Node] = {}
        self.proxy: tuple[str, Route] | None = None
        self.route: Route | None = None

    def add(self, segments: list[str], route: Route) -> None:
        if not segments:
            self.route = route
            return
        head, rest = segments[0], segments[1:]
        name = _parameter(head)
        if name is None:
            self.static.setdefault(head, _Node()).add(rest, route)
        elif name.endswith("+"):
            self.proxy = (name[:-1], route)
        else:
            self.parameters.setdefault(name, _Node()).add(rest, route)

    def find(self, segments: list[str], at: int) -> tuple[Route, tuple[tuple[str, str], ...]] | None:
        """Return the best route for `segments[at:]` and its captures; only the winner's captures are collected."""
        if at == len(segments):
            return (self.route, ()) if self.route else None
        segment = segments[at]
        child = self.static.get(unquote(segment) if "%" in segment else segment)
        if child and (found := child.find(segments, at + 1)):
            return found
        if segment:
            for name, child in self.parameters.items():
                if found := child.find(segments, at + 1):
                    return found[0], ((name, segment), *found[1])
        if self.proxy:
            name, route = self.proxy
            return route, ((name, "/".join(segments[at:])),)
        return None


class RouteTable:
    """Every path of an app; built once, read by all threads."""

    def __init__(self, routes: Mapping[str, Mapping[str, RouteEntry]]) -> None:
        self._root = _Node()
        for pattern, methods in routes.items():
            if methods:
                self._root.add(_segments(pattern), Route(pattern, dict(methods)))

    def match(self, path: str) -> Match | None:
        """Return the route of a percent-encoded path, or None.

        A trailing slash does not matter; more than one leading slash counts as one.
        """
        found = self._root.find(_segments(path), 0)
        if found is None:
            return None
        route, captures = found
        return Match(route, dict(captures) or None)


def _segments(path: str) -> list[str]:
    trimmed = path.strip("/")
    return trimmed.split("/") if trimmed else []


def _parameter(segment: str) -> str | None:
    return segment[1:-1] if segment.startswith("{") and segment.endswith("}") else None
