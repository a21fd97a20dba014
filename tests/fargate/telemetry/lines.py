"""The log lines of a server."""

import json
from collections.abc import Callable
from typing import Any

from local.waiting import wait_until
from tests.fixtures.servers import Server

Line = dict[str, Any]
WAIT_SECONDS = 10.0


def lines_of(server: Server) -> list[Line]:
    """Return every line so far; fail if one is not JSON."""
    return [json.loads(line) for line in server.output().splitlines()]


def await_line(server: Server, wanted: Callable[[Line], bool]) -> Line:
    """Wait for the first line that is wanted, and return it."""
    found: list[Line] = []

    def look() -> bool:
        complete = server.output().rpartition("\n")[0]
        found[:] = [line for line in map(json.loads, complete.splitlines()) if wanted(line)]
        return bool(found)

    assert wait_until(look, WAIT_SECONDS), server.output()
    return found[0]


def line_of(server: Server, request_id: str) -> Line:
    """Return the access line of one request."""
    return await_line(server, lambda line: line.get("request_id") == request_id and "http" in line)
