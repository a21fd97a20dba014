"""Chalice matches each content type once and remembers the result.

Replaces `chalice.app._matches_content_type`. Chalice calls it three times a request with the same few texts, which
takes an eighth of a request's CPU time. The result depends on the arguments alone.

Drop when Chalice caches the result, or when a benchmark shows no gain.
"""

from collections.abc import Callable, Sequence
from functools import cache, wraps
from typing import Any

from chalice import app as chalice_app

from fargate.http.bounded_cache import cached

_MATCHER = "_matches_content_type"


def remember_content_types() -> None:
    """Cache the results of Chalice's content type matching. Calling it again changes nothing."""
    module: Any = chalice_app
    matches = getattr(module, _MATCHER, None)
    if matches is None or hasattr(matches, "__wrapped__"):
        return

    @cache  # an app has few such lists
    def matcher_of(valid: tuple[str, ...]) -> Callable[[str], bool]:
        return cached(lambda content_type: bool(matches(content_type, list(valid))))

    @wraps(matches)
    def matches_cached(content_type: Any, valid: Sequence[str]) -> bool:
        if type(content_type) is not str:
            return bool(matches(content_type, valid))
        return matcher_of(tuple(valid))(content_type)

    setattr(module, _MATCHER, matches_cached)
