"""Entity tags (RFC 9110, section 8.8.3): of bodies, and in the lists that requests send."""

import functools
import hashlib
import re

ANY = "*"
_LISTED = re.compile(r'[ \t,]*((?:W/)?"[^\x00-\x20"\x7f]*")[ \t]*(?=,|\Z)')


def tag_of(body: bytes) -> str:
    """Return the strong entity tag of a body: equal bytes have equal tags, on every task and on Lambda."""
    return f'"{hashlib.blake2b(body, digest_size=12).hexdigest()}"'


etag_of = functools.lru_cache(maxsize=1024)(tag_of)
"""`tag_of` for products' JSON, which is short and asked for again and again."""


def tags_in(text: str) -> frozenset[str]:
    """Return the tags of a list, as they are written, or {ANY}; empty elements do not count (section 5.6.1.2).

    Raises:
        ValueError: it is neither `*` nor a list of tags.
    """
    rest = text.strip(" \t,")
    if rest == ANY:
        return frozenset({ANY})
    tags, end = set(), 0
    while found := _LISTED.match(rest, end):
        tags.add(found[1])
        end = found.end()
    if not tags or end != len(rest):
        raise ValueError(f"neither {ANY} nor a list of entity tags")
    return frozenset(tags)


def is_listed(etag: str, tags: frozenset[str]) -> bool:
    """Return whether the list has this strong tag: strong comparison (section 8.8.3.2)."""
    return ANY in tags or etag in tags


def is_listed_weakly(etag: str, tags: frozenset[str]) -> bool:
    """Return whether the list has this tag, strong or weak: weak comparison."""
    return is_listed(etag, tags) or f"W/{etag}" in tags
