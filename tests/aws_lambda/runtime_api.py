"""The Runtime API: what a function's process asks for events, and tells what came of them.

https://docs.aws.amazon.com/lambda/latest/dg/runtimes-api.html
"""

import contextlib
import json
import queue
import sys
import threading
import time
from collections.abc import Iterator
from concurrent.futures import Future
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, NamedTuple
from uuid import uuid4

VERSION = "/2018-06-01/runtime"
ARN = "arn:aws:lambda:eu-west-1:123456789012:function:chalice-app-dev"
DEADLINE_SECONDS = 10
ANSWER_SECONDS = 60.0


class FunctionError(Exception):
    """What the function raised, or why it could not start."""


class Invocation(NamedTuple):
    """One event on its way to the function."""

    id: str
    event: bytes
    trace: str


class RuntimeApi:
    """Hands events to whoever asks, one at a time, and keeps what came of each."""

    def __init__(self, address: str) -> None:
        self.address = address
        """What AWS_LAMBDA_RUNTIME_API names."""
        self._waiting: queue.Queue[Invocation | None] = queue.Queue()
        self._results: dict[str, Future[Any]] = {}

    def invoke(self, event: Any, trace: str = "Root=1-67891233-abcdef012345678912345678;Sampled=0") -> Any:
        """Have the function handle an event, and return its result.

        Raises:
            FunctionError: it raised, or did not start.
            TimeoutError: nothing came of it.
        """
        invocation = Invocation(str(uuid4()), json.dumps(event).encode(), trace)
        result = self._results[invocation.id] = Future()
        self._waiting.put(invocation)
        return result.result(ANSWER_SECONDS)

    def next(self) -> Invocation | None:
        """Return the next event once there is one; None: there will be none."""
        return self._waiting.get()

    def succeeded(self, invocation_id: str, body: bytes) -> None:
        """Keep a result."""
        self._results[invocation_id].set_result(json.loads(body))

    def failed(self, invocation_id: str, body: bytes) -> None:
        """Keep an error."""
        self._results[invocation_id].set_exception(FunctionError(body.decode()))

    def did_not_start(self, body: bytes) -> None:
        """Fail everything that waits."""
        for result in self._results.values():
            if not result.done():
                result.set_exception(FunctionError(body.decode()))

    def end(self) -> None:
        """Let whoever asks for an event go."""
        self._waiting.put(None)


class Handler(BaseHTTPRequestHandler):
    """Speaks for a Runtime API."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    api: RuntimeApi

    def do_GET(self) -> None:
        assert self.path == f"{VERSION}/invocation/next"
        invocation = self.api.next()
        if invocation is None:
            self.close_connection = True
            return
        deadline = int((time.time() + DEADLINE_SECONDS) * 1000)
        self._answer(
            200,
            invocation.event,
            {
                "Lambda-Runtime-Aws-Request-Id": invocation.id,
                "Lambda-Runtime-Deadline-Ms": str(deadline),
                "Lambda-Runtime-Invoked-Function-Arn": ARN,
                "Lambda-Runtime-Trace-Id": invocation.trace,
                "Content-Type": "application/json",
            },
        )

    def do_POST(self) -> None:
        assert "Transfer-Encoding" not in self.headers
        body = self.rfile.read(int(self.headers["Content-Length"]))
        match self.path.removeprefix(VERSION + "/").split("/"):
            case ["invocation", invocation_id, "response"]:
                self.api.succeeded(invocation_id, body)
            case ["invocation", invocation_id, "error"]:
                self.api.failed(invocation_id, body)
            case ["init", "error"]:
                self.api.did_not_start(body)
            case unknown:
                raise AssertionError(unknown)
        self._answer(202, b'{"status":"OK"}', {"Content-Type": "application/json"})

    def _answer(self, status: int, body: bytes, headers: dict[str, str]) -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *args: Any) -> None:
        """Say nothing."""


class Server(ThreadingHTTPServer):
    """A server that takes it as said when a function's process ends."""

    daemon_threads = True

    def handle_error(self, request: Any, client_address: Any) -> None:
        if not isinstance(sys.exception(), ConnectionError):
            super().handle_error(request, client_address)


@contextlib.contextmanager
def serving_runtime_api() -> Iterator[RuntimeApi]:
    """Serve one on a free port until the block ends; end the function's process first."""

    class OwnHandler(Handler):
        api: RuntimeApi

    with Server(("127.0.0.1", 0), OwnHandler) as server:
        host, port = server.server_address[:2]
        api = OwnHandler.api = RuntimeApi(f"{host!s}:{port}")
        thread = threading.Thread(target=server.serve_forever, args=(0.05,))
        thread.start()
        try:
            yield api
        finally:
            api.end()
            server.shutdown()
            thread.join()
