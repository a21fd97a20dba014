"""Headers whose values are lists, which a client or a proxy may spread over several lines (RFC 9110, section 5.3)."""

from collections.abc import Collection, Iterator, Mapping
from typing import Protocol

from chalice.app import Request


class HeaderSource(Protocol):
    """The headers of a request. `fargate/` hands such an object to the fast path."""

    def joined(self, names: Collection[str], /) -> Mapping[str, str]:
        """Return those of the named headers that were sent, by name; several lines of one are joined by commas."""


class RequestHeaders:
    """The headers of a request that a handler answers."""

    def __init__(self, request: Request) -> None:
        self._event = request.to_original_event()

    def joined(self, names: Collection[str]) -> Mapping[str, str]:
        found: dict[str, str] = {}
        for name, value in self._lines():
            if name in names:
                found[name] = f"{found[name]}, {value}" if name in found else value
        return found

    def _lines(self) -> Iterator[tuple[str, str]]:
        """Return every line. Chalice's own `headers` has the last of each name; `chalice local` sends no others."""
        many: Mapping[str, list[str]] | None = self._event.get("multiValueHeaders")
        for name, values in (many or _as_many(self._event.get("headers"))).items():
            for value in values:
                yield name.title(), value


def _as_many(headers: Mapping[str, str] | None) -> Mapping[str, list[str]]:
    return {name: [value] for name, value in (headers or {}).items()}
