"""The Lambda function: the unpacked package under AWS's runtime client, in an isolated process."""

import contextlib
import json
import subprocess
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import app
from local.processes import Child, Program
from local.waiting import wait_until
from tests.aws_lambda.runtime_api import RuntimeApi, serving_runtime_api
from tests.contract.clients.client import Client, through_json
from tests.contract.clients.events import read_result, rest_event
from tests.contract.clients.messages import Request, Response
from tests.contract.clients.resources import resource_of
from tests.fixtures.servers import passed_on

NAME = "chalice-app-dev"
IMPORT_SECONDS = 60.0
OUTPUT_SECONDS = 10.0

# CPU time, as other processes disturb it least. Lambda imports its client before the function.
_TIMED_IMPORT = """
import awslambdaric.bootstrap, time
began = time.process_time()
import app
print(time.process_time() - began)
"""

_LISTED_IMPORT = """
import awslambdaric.bootstrap, sys
before = set(sys.modules)
import app
print(*set(sys.modules) - before)
"""


@dataclass(frozen=True, slots=True)
class Sandbox:
    """The unpacked package, and the libraries of AWS's runtime."""

    task: Path
    runtime: Path

    @property
    def python(self) -> list[str]:
        """A Python without site-packages."""
        return [sys.executable, "-S"]

    @property
    def environ(self) -> dict[str, str]:
        """Lambda's environment variables. The code's folder is read-only there, so Python writes no bytecode."""
        return {
            **passed_on(),
            "PYTHONPATH": f"{self.task}:{self.runtime}",
            "PYTHONDONTWRITEBYTECODE": "1",
            "LAMBDA_TASK_ROOT": str(self.task),
            "LAMBDA_RUNTIME_DIR": str(self.runtime),
            "AWS_LAMBDA_FUNCTION_NAME": NAME,
            "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": "1024",
            "AWS_LAMBDA_FUNCTION_VERSION": "$LATEST",
            "AWS_LAMBDA_LOG_GROUP_NAME": f"/aws/lambda/{NAME}",
            "AWS_LAMBDA_LOG_STREAM_NAME": "2026/11/24/[$LATEST]6f9b0d1e",
            "AWS_LAMBDA_INITIALIZATION_TYPE": "on-demand",
            "AWS_EXECUTION_ENV": f"AWS_Lambda_python{sys.version_info.major}.{sys.version_info.minor}",
            "AWS_REGION": "eu-west-1",
            "AWS_DEFAULT_REGION": "eu-west-1",
            "AWS_XRAY_DAEMON_ADDRESS": "127.0.0.1:2000",
            "TZ": ":UTC",
            "_HANDLER": "app.app",
        }

    def import_seconds(self) -> float:
        """Import the package in a fresh process; return how long that took, in CPU time."""
        return float(self._said_by(_TIMED_IMPORT))

    def imported_modules(self) -> set[str]:
        """Import the package in a fresh process; return the names of the modules that this imports."""
        return set(self._said_by(_LISTED_IMPORT).split())

    def _said_by(self, program: str) -> str:
        run = subprocess.run(
            [*self.python, "-c", program],
            env=self.environ,
            cwd=self.task,
            capture_output=True,
            text=True,
            check=True,
            timeout=IMPORT_SECONDS,
        )
        return run.stdout


class Function(Client):
    """A running function behind an emulated API Gateway, which turns requests to events and results to answers."""

    def __init__(self, api: RuntimeApi, child: Child, log: Path) -> None:
        self.child = child
        self._api = api
        self._log = log

    def send(self, request: Request) -> Response:
        return self.invoke(request)

    def invoke(self, request: Request, **options: Any) -> Response:
        """Send one request, with further options of the Runtime API."""
        resource, parameters = resource_of(list(app.app.routes), request.path)
        event = rest_event(request, resource, parameters)
        return read_result(self._api.invoke(through_json(event), **options), request.method)

    def output(self) -> str:
        """Return all that the function has written."""
        return self._log.read_text(encoding="utf-8")

    def lines(self) -> list[dict[str, Any]]:
        """Return the lines that the function has written; each must be JSON."""
        return [json.loads(line) for line in self.output().splitlines()]

    def awaited_lines(self, count: int) -> list[dict[str, Any]]:
        """Wait for so many lines, and return them."""
        assert wait_until(lambda: len(self.output().splitlines()) >= count, OUTPUT_SECONDS), self.output()
        return self.lines()


@contextlib.contextmanager
def running(sandbox: Sandbox, environ: Mapping[str, str], log: Path) -> Iterator[Function]:
    """Run the function with only these variables and Lambda's, until the block ends."""
    with serving_runtime_api() as api:
        child = Child(
            Program(
                "the function",
                [*sandbox.python, "-m", "awslambdaric", "app.app"],
                log=log,
                environ={**sandbox.environ, **environ, "AWS_LAMBDA_RUNTIME_API": api.address},
                folder=sandbox.task,
            )
        )
        try:
            yield Function(api, child, log)
        finally:
            child.end()
