"""Entity tags and the conditions that requests state with them (RFC 9110, sections 8.8.3 and 13.1)."""

import functools
import hashlib
import re
from collections.abc import Iterator
from typing import Protocol

from chalicelib.catalog import Condition
from chalicelib.product import Product

_ENTITY_TAG = re.compile(r'(?:W/)?"[^"]*"')


class HeaderSource(Protocol):
    """Headers, asked by name."""

    def get(self, name: str, /) -> str | None:
        """Return a header's value, or None."""


@functools.lru_cache(maxsize=1024)
def etag_of(body: bytes) -> str:
    """Return the strong entity tag of a product's JSON: equal bytes have equal tags, on every task and on Lambda."""
    return f'"{hashlib.blake2b(body, digest_size=12).hexdigest()}"'


def is_not_modified(headers: HeaderSource, etag: str) -> bool:
    """Tell whether `If-None-Match` lists this tag, compared weakly: the client has this version already."""
    text = headers.get("if-none-match")
    return text is not None and _lists(text, etag, weak=True)


def if_match(headers: HeaderSource) -> Condition | None:
    """Return the condition that `If-Match` states; None where it is absent or `*` (RFC 9110, section 13.1.1)."""
    text = headers.get("if-match")
    if text is None or text.strip() == "*":
        return None

    def is_listed(stored: Product) -> bool:
        return _lists(text, etag_of(stored.to_json()), weak=False)

    return is_listed


def _lists(header: str, etag: str, *, weak: bool) -> bool:
    """Tell whether a list of entity tags names this one; a weak tag matches only where `weak` comparison will do."""
    return header.strip() == "*" or etag in _entity_tags(header, weak=weak)


def _entity_tags(header: str, *, weak: bool) -> Iterator[str]:
    for tag in _ENTITY_TAG.findall(header):
        if not tag.startswith("W/"):
            yield tag
        elif weak:
            yield tag[2:]
