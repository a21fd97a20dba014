"""Chalice asks three times a request whether a content type is among the app's: it is told what it found the last time.

That is an eighth of what a request costs, and the answer depends on nothing else than what is asked.
"""

from collections.abc import Callable, Sequence
from functools import cache, wraps
from typing import Any

from chalice import app as chalice_app

from fargate.http.bounded_cache import remembered

_MATCHER = "_matches_content_type"


def remember_content_types() -> None:
    """Have Chalice's matching of content types remember its answers; doing it again changes nothing."""
    module: Any = chalice_app
    matches = getattr(module, _MATCHER, None)
    if matches is None or hasattr(matches, "__wrapped__"):
        return

    @cache  # apps have few such lists
    def known_among(valid: tuple[str, ...]) -> Callable[[str], bool]:
        return remembered(lambda content_type: bool(matches(content_type, list(valid))))

    @wraps(matches)
    def matches_as_known(content_type: Any, valid: Sequence[str]) -> bool:
        if type(content_type) is not str:
            return bool(matches(content_type, valid))
        return known_among(tuple(valid))(content_type)

    setattr(module, _MATCHER, matches_as_known)
