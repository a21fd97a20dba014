"""What a product's key in Redis may hold. The first byte says which kind it is.

{...}     a body: the product's JSON, ready to send
0         absence: there is no such product (for a short time)
?token    a fill lease: one reader is loading the product, and may store it while the lease stands
!token    a write fence: a write is under way, and nobody may store anything
"""

import os
from collections.abc import Callable

Entry = bytes

ABSENT: Entry = b"0"
_BODY, _LEASE, _FENCE = b"{", b"?", b"!"

TOKEN_BYTES = 12

Random = Callable[[int], bytes]


_PREFIX = "p1:"
"""Stays as it is: in a rolling deployment, tasks with two prefixes would fence and read past each other."""


def key_of(product_id: int) -> str:
    """Return a product's key."""
    return f"{_PREFIX}{product_id}"


def id_of(key: str) -> str:
    """Return the id of the product under that key."""
    return key.removeprefix(_PREFIX)


def is_body(entry: Entry) -> bool:
    """Tell whether this is a product."""
    return entry[:1] == _BODY


def is_lease(entry: Entry) -> bool:
    """Tell whether a reader is loading the product."""
    return entry[:1] == _LEASE


def is_fence(entry: Entry) -> bool:
    """Tell whether a write is under way."""
    return entry[:1] == _FENCE


def new_lease(random: Random = os.urandom) -> Entry:
    """Return a fill lease that is like no other."""
    return _LEASE + random(TOKEN_BYTES).hex().encode()


def new_fence(random: Random = os.urandom) -> Entry:
    """Return a write fence that is like no other."""
    return _FENCE + random(TOKEN_BYTES).hex().encode()
