"""Requests and responses of the test clients, exactly as sent and received."""

import json
from dataclasses import dataclass, field
from typing import Any

Headers = list[tuple[str, str]]


@dataclass(frozen=True, slots=True)
class Request:
    """What a client sends."""

    method: str
    target: str  # path and query, byte for byte (Latin-1)
    headers: Headers = field(default_factory=list)  # besides Host and Content-Length
    body: bytes = b""

    @property
    def path(self) -> str:
        return self.target.partition("?")[0]

    @property
    def query(self) -> str:
        return self.target.partition("?")[2]


@dataclass(frozen=True, slots=True)
class Response:
    """What a client receives."""

    status: int
    headers: Headers
    body: bytes

    def all(self, name: str) -> list[str]:
        """Return every value of a header, in order."""
        return [value for each, value in self.headers if each.lower() == name.lower()]

    def header(self, name: str) -> str | None:
        """Return a header that occurs at most once."""
        values = self.all(name)
        assert len(values) <= 1, f"{name} occurs {len(values)} times: {values}"
        return values[0] if values else None

    def json(self) -> Any:
        return json.loads(self.body)
