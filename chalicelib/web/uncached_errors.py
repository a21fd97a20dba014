"""Chalice's own errors, such as 415 and 500, which no handler makes: no cache may keep them either.

Not a middleware of Chalice, which the fast path would go past.
"""

from typing import Any

from chalice.app import Chalice

from chalicelib.web.responses import NO_STORE

FIRST_ERROR = 400


class UncachedErrors(Chalice):
    """A Chalice app whose errors carry `Cache-Control: no-store`."""

    def __call__(self, event: Any, context: Any) -> dict[str, Any]:
        """Answer one event."""
        answer: dict[str, Any] = super().__call__(event, context)
        if answer["statusCode"] >= FIRST_ERROR:
            answer["headers"].setdefault("Cache-Control", NO_STORE)
        return answer
