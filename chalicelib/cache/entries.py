"""The values of a product's key in Redis. The first byte is the kind.

{...}     a body: the product's JSON, ready to send
0         absence: there is no such product (kept for a short time)
?token    a fill lease: one reader is loading the product, and may store it while its lease is there
!token    a write fence: a write is under way, and readers must not store anything
"""

import os
from collections.abc import Callable

Entry = bytes

ABSENT: Entry = b"0"
_BODY, _LEASE, _FENCE = b"{", b"?", b"!"

TOKEN_BYTES = 12

Random = Callable[[int], bytes]

_PREFIX = "p1:"
"""Must not change: in a rolling deployment, tasks with another prefix would not see each other's fences."""


def key_of(product_id: int) -> str:
    """Return the product's key."""
    return f"{_PREFIX}{product_id}"


def id_of(key: str) -> str:
    """Return the id of the key's product."""
    return key.removeprefix(_PREFIX)


def is_body(entry: Entry) -> bool:
    """Return whether the entry is a product's JSON."""
    return entry[:1] == _BODY


def is_lease(entry: Entry) -> bool:
    """Return whether a reader is loading the product."""
    return entry[:1] == _LEASE


def new_lease(random: Random = os.urandom) -> Entry:
    """Return a unique fill lease."""
    return _LEASE + random(TOKEN_BYTES).hex().encode()


def new_fence(random: Random = os.urandom) -> Entry:
    """Return a unique write fence."""
    return _FENCE + random(TOKEN_BYTES).hex().encode()
