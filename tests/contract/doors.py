"""Every way in which a request reaches an app, behind one interface: what each test of the contract is run on.

The servers are real: `python -m fargate` in a process of its own. Mangum and the plain event call run here, each on a
copy of the app's module of its own; what goes in and comes out passes through JSON, as on Lambda.
"""

import asyncio
import contextlib
import importlib.util
import json
import re
import sys
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from types import SimpleNamespace
from typing import Any

import pytest
from chalice.app import Chalice
from mangum import Mangum

from fargate.asgi import create_asgi_app
from fargate.settings import read_settings
from tests.contract.connection import Connection, connected, wire
from tests.contract.events import REQUEST_ID, Event, read_result, rest_event
from tests.contract.messages import Answer, Headers, Request
from tests.fixtures.servers import Server, serving

SERVERS = ("waitress", "uvicorn", "granian")
GATEWAYS = (*SERVERS, "mangum")
"""The doors that route: a request for an unknown path gets as far as us."""

HOMES = (*GATEWAYS, "lambda")
"""All of them; on Lambda itself API Gateway routes, so that only requests for a route arrive."""


class Door(ABC):
    """A way to an app."""

    @abstractmethod
    def ask(self, request: Request) -> Answer:
        """Send one request."""

    def send(self, method: str, target: str, headers: Headers = [], body: bytes = b"") -> Answer:  # noqa: B006
        return self.ask(Request(method, target, list(headers), body))

    def get(self, target: str, *headers: tuple[str, str]) -> Answer:
        return self.send("GET", target, list(headers))

    def post(self, target: str, body: bytes, *headers: tuple[str, str]) -> Answer:
        return self.send("POST", target, list(headers), body)


class ServerDoor(Door):
    """A real server, over a socket."""

    def __init__(self, server: Server) -> None:
        self.server = server

    def ask(self, request: Request) -> Answer:
        with self.connected() as connection:
            connection.send(wire(request, "Connection: close"))
            (answer,) = connection.rest(request.method)
            return answer

    def connected(self) -> contextlib.AbstractContextManager[Connection]:
        """Open a connection of the test's own."""
        return connected(self.server.port)


class MangumDoor(Door):
    """Mangum over the ASGI door, called with one kind of event."""

    kind = "REST API"

    def __init__(self, app: Chalice, environ: Mapping[str, str], event: Callable[[Request], Event], **options: Any):
        self.app = app
        self._event = event
        self._loop = asyncio.new_event_loop()
        self._asgi_app = create_asgi_app(app, read_settings(environ))
        self._options = options

    def ask(self, request: Request) -> Answer:
        return read_result(self.invoke(self._event(request)))

    def invoke(self, event: Event) -> Any:
        """Call the function as Lambda does."""
        asyncio.set_event_loop(self._loop)
        try:
            handler = Mangum(self._asgi_app, **self._options)
            return through_json(handler(through_json(event), lambda_context()))  # type: ignore[arg-type]
        finally:
            asyncio.set_event_loop(None)

    def close(self) -> None:
        self._loop.close()


class LambdaDoor(Door):
    """The plain event call: `app(event, context)`."""

    def __init__(self, app: Chalice) -> None:
        self.app = app

    def ask(self, request: Request) -> Answer:
        resource, parameters = resource_of(list(self.app.routes), request.path)
        event = rest_event(request, resource, parameters)
        return read_result(through_json(self.app(through_json(event), lambda_context())))


class Doors:
    """Opens doors when they are first asked for, each once; closes all of them at the end."""

    def __init__(self) -> None:
        self._doors: dict[Any, Door] = {}
        self._ends: list[ExitStack] = []

    def open(self, kind: str, target: str, environ: Mapping[str, str] | None = None) -> Any:
        """Return the door of a kind to the app `module:attribute`, with these settings."""
        environ = environ or {}
        key = (kind, target, *sorted(environ.items()))
        if key not in self._doors:
            self._doors[key] = self._open(kind, target, environ)
        return self._doors[key]

    def _open(self, kind: str, target: str, environ: Mapping[str, str]) -> Door:
        if kind == "lambda":
            return LambdaDoor(copy_of(target))
        self._ends.append(end := ExitStack())
        if kind == "mangum":
            door = MangumDoor(copy_of(target), environ, rest_event)
            end.callback(door.close)
            return door
        return ServerDoor(end.enter_context(serving({"SERVER": kind, **environ}, target)))

    def close(self) -> None:
        """Close them at the same time: a server that drains takes half a second."""
        with ThreadPoolExecutor(16) as pool:
            for closing in [pool.submit(end.close) for end in self._ends]:
                closing.result()


def door(target: str, kinds: tuple[str, ...] = HOMES, **environ: str) -> Any:
    """Make a module's fixture: `target` behind each of the `kinds`, with these settings."""

    @pytest.fixture(params=kinds)
    def opened(request: pytest.FixtureRequest, doors: Doors) -> Door:
        return doors.open(request.param, target, environ)

    return opened


def copy_of(target: str) -> Chalice:
    """Load a module once more under a name of its own, so that what one door does to the app no other sees."""
    name, _, attribute = target.partition(":")
    found = importlib.util.find_spec(name)
    assert found is not None
    assert found.origin is not None
    copy = f"{name}_{len(sys.modules)}"
    spec = importlib.util.spec_from_file_location(copy, found.origin)
    assert spec is not None
    assert spec.loader is not None
    module = sys.modules[copy] = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    app = getattr(module, attribute)
    assert isinstance(app, Chalice)
    return app


def through_json(value: Any) -> Any:
    """Carry a value over a border that only JSON crosses."""
    return json.loads(json.dumps(value))


def lambda_context() -> Any:
    return SimpleNamespace(
        function_name="chalice-app-dev",
        function_version="$LATEST",
        invoked_function_arn="arn:aws:lambda:eu-west-1:123456789012:function:chalice-app-dev",
        memory_limit_in_mb="128",
        aws_request_id=REQUEST_ID,
        log_group_name="/aws/lambda/chalice-app-dev",
        log_stream_name="2026/11/24/[$LATEST]6f9b0d1e",
        identity=None,
        client_context=None,
        get_remaining_time_in_millis=lambda: 29_000,
    )


def resource_of(patterns: list[str], path: str) -> tuple[str, dict[str, str] | None]:
    """Find a path's resource by trying all of them: the plainest way to say what routing must come to."""
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
