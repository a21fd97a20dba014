"""Lambda's Runtime API: the function's process fetches events from it and posts the results.

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
    """The function raised an error, or could not start."""


class Invocation(NamedTuple):
    """An event for the function."""

    id: str
    event: bytes
    trace: str


class RuntimeApi:
    """Hands out events one at a time, and keeps their results."""

    def __init__(self, address: str) -> None:
        self.address = address
        """The value of AWS_LAMBDA_RUNTIME_API."""
        self._waiting: queue.Queue[Invocation | None] = queue.Queue()
        self._results: dict[str, Future[Any]] = {}

    def invoke(self, event: Any, trace: str = "Root=1-67891233-abcdef012345678912345678;Sampled=0") -> Any:
        """Let the function handle an event, and return its result.

        Raises:
            FunctionError: the function raised an error, or did not start.
            TimeoutError: there was no result.
        """
        invocation = Invocation(str(uuid4()), json.dumps(event).encode(), trace)
        result = self._results[invocation.id] = Future()
        self._waiting.put(invocation)
        return result.result(ANSWER_SECONDS)

    def next(self) -> Invocation | None:
        """Wait for the next event; None: there will be no more."""
        return self._waiting.get()

    def succeeded(self, invocation_id: str, body: bytes) -> None:
        self._results[invocation_id].set_result(json.loads(body))

    def failed(self, invocation_id: str, body: bytes) -> None:
        self._results[invocation_id].set_exception(FunctionError(body.decode()))

    def did_not_start(self, body: bytes) -> None:
        """Fail all waiting invocations."""
        for result in self._results.values():
            if not result.done():
                result.set_exception(FunctionError(body.decode()))

    def end(self) -> None:
        """End the wait for the next event."""
        self._waiting.put(None)


class Handler(BaseHTTPRequestHandler):
    """The HTTP handler of a RuntimeApi."""

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
        """Write no log."""


class Server(ThreadingHTTPServer):
    """A server that ignores connections which a function's process has closed."""

    daemon_threads = True

    def handle_error(self, request: Any, client_address: Any) -> None:
        if not isinstance(sys.exception(), ConnectionError):
            super().handle_error(request, client_address)


@contextlib.contextmanager
def serving_runtime_api() -> Iterator[RuntimeApi]:
    """Serve a Runtime API on a free port until the block ends. End the function's process before."""

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
