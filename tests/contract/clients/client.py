"""One test client for each runtime of an app.

Servers are real ones: `python -m fargate` in a process of its own. Mangum and the call of `app(event, context)` run in
this process, each on its own copy of the app's module; events and results pass through JSON, as on Lambda.
"""

import asyncio
import contextlib
import importlib.util
import json
import re
import sys
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from chalice.app import Chalice
from mangum import Mangum

from fargate.asgi import create_asgi_app
from fargate.settings import read_settings
from tests.contract.clients.connection import Connection, connected, wire
from tests.contract.clients.events import REQUEST_ID, Event, read_result, rest_event
from tests.contract.clients.messages import Headers, Request, Response
from tests.contract.clients.resources import resource_of
from tests.fixtures.servers import ROOT, Server, serving

SERVERS = ("waitress", "uvicorn", "granian")
GATEWAYS = (*SERVERS, "mangum")
"""The runtimes where the adapter is the gateway and routes requests."""

RUNTIMES = (*GATEWAYS, "lambda")
"""All runtimes. On Lambda API Gateway routes, so only requests for a known route arrive."""

PROJECTS = "tests.apps.projects."
"""Whole Chalice projects; `tests.apps.projects.NAME.app:app` is the app of one."""


class Client(ABC):
    """Sends requests to an app in one runtime."""

    @abstractmethod
    def send(self, request: Request) -> Response:
        """Send one request and return the response."""

    def request(self, method: str, target: str, headers: Headers = [], body: bytes = b"") -> Response:  # noqa: B006
        return self.send(Request(method, target, list(headers), body))

    def get(self, target: str, *headers: tuple[str, str]) -> Response:
        return self.request("GET", target, list(headers))

    def post(self, target: str, body: bytes, *headers: tuple[str, str]) -> Response:
        return self.request("POST", target, list(headers), body)


class ServerClient(Client):
    """To a server, over a socket; each request has a connection of its own."""

    def __init__(self, server: Server) -> None:
        self.server = server

    def send(self, request: Request) -> Response:
        with self.connected() as connection:
            connection.send(wire(request, "Connection: close"))
            (response,) = connection.rest(request.method)
            return response

    @property
    def kind(self) -> str:
        """The server's name, as it stands in its first log line."""
        named = re.search(r"with (\w+), ", self.server.awaited_output("Serving "))
        return named[1] if named else ""

    def connected(self) -> contextlib.AbstractContextManager[Connection]:
        """Open a connection that the test controls."""
        return connected(self.server.port)


class MangumClient(Client):
    """Calls Mangum and the ASGI app with one kind of event."""

    kind = "REST API"

    def __init__(self, app: Chalice, environ: Mapping[str, str], event: Callable[[Request], Event], **options: Any):
        self.app = app
        self._event = event
        self._loop = asyncio.new_event_loop()
        self._asgi_app = create_asgi_app(app, read_settings(environ))
        self._options = options

    def send(self, request: Request) -> Response:
        return read_result(self.invoke(self._event(request), lambda_context()))

    def invoke(self, event: Event, context: object = None) -> Any:
        """Call the function as Lambda does."""
        asyncio.set_event_loop(self._loop)
        try:
            handler = Mangum(self._asgi_app, **self._options)
            return through_json(handler(through_json(event), context))  # type: ignore[arg-type]
        finally:
            asyncio.set_event_loop(None)

    def close(self) -> None:
        self._loop.close()


class LambdaClient(Client):
    """Calls `app(event, context)` with events of a REST API."""

    def __init__(self, app: Chalice) -> None:
        self.app = app

    def send(self, request: Request) -> Response:
        resource, parameters = resource_of(list(self.app.routes), request.path)
        event = rest_event(request, resource, parameters)
        return read_result(through_json(self.app(through_json(event), lambda_context())), request.method)


class Clients:
    """Makes each client when it is first needed; tests share it."""

    def __init__(self) -> None:
        self._clients: dict[Any, Client] = {}
        self._stacks: list[ExitStack] = []

    def open(self, kind: str, target: str, environ: Mapping[str, str] | None = None) -> Any:
        """Return the client for a runtime and an app `module:attribute` with these settings."""
        environ = environ or {}
        key = (kind, target, *sorted(environ.items()))
        if key not in self._clients:
            self._clients[key] = self._open(kind, target, environ)
        return self._clients[key]

    def _open(self, kind: str, target: str, environ: Mapping[str, str]) -> Client:
        if kind == "lambda":
            return LambdaClient(copy_of(target))
        self._stacks.append(stack := ExitStack())
        if kind == "mangum":
            client = MangumClient(copy_of(target), environ, rest_event)
            stack.callback(client.close)
            return client
        folder, served = served_from(target)
        return ServerClient(stack.enter_context(serving({"SERVER": kind, **environ}, served, project=folder)))

    def close(self) -> None:
        """Close all clients in parallel, as a server takes half a second to drain."""
        with ThreadPoolExecutor(16) as pool:
            for closing in [pool.submit(stack.close) for stack in self._stacks]:
                closing.result()


def client_of(target: str, kinds: tuple[str, ...] = RUNTIMES, **environ: str) -> Any:
    """Return a fixture: a client for the app `target` in each of the runtimes `kinds`, with these settings."""

    @pytest.fixture(params=kinds)
    def opened(request: pytest.FixtureRequest, clients: Clients) -> Client:
        return clients.open(request.param, target, environ)

    return opened


def served_from(target: str) -> tuple[Path, str]:
    """Return the folder that a server of this app runs in, and the app's name there: a project has its own folder."""
    if not target.startswith(PROJECTS):
        return ROOT, target
    project, _, served = target.removeprefix(PROJECTS).partition(".")
    return ROOT.joinpath(*PROJECTS.split("."), project), served


def copy_of(target: str) -> Chalice:
    """Load another copy of a module, so that clients do not share the app's state."""
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
    """Return a value as it looks after a trip through JSON."""
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
