"""Where an app is mounted: a server, or another app, takes the first part of a path (SCRIPT_NAME, root_path).

What is left keeps the spelling that the client sent: `%2F` in a segment is no slash. Work is linear in the path's
length, since clients choose it.
"""

import re
from urllib.parse import quote, unquote

from fargate.http.messages import SAFE_IN_PATH

_ENCODED_BYTE = re.compile(r"%[0-9A-Fa-f]{2}|.", re.DOTALL)


def split_path(sent: str, mount: str, left: str) -> tuple[str, str]:
    """Return where the app is mounted and the path below it, both percent-encoded.

    Args:
        sent: the path as the server received it, percent-encoded.
        mount: what was taken, decoded. It may begin with a part that a proxy has removed from `sent`.
        left: the path below the mount, decoded. If `sent` does not end with it, it was rewritten, and this counts.
    """
    at = _start(sent, left)
    if at is None:
        return _encoded(mount), _encoded(left)
    taken = sent[:at]
    seen = unquote(taken)
    return (_encoded(mount.removesuffix(seen)) if mount.endswith(seen) else "") + taken, sent[at:]


def _start(sent: str, left: str) -> int | None:
    """Return where `left` begins in `sent`; some servers leave `%2F` encoded, or write an empty rest as a slash."""
    decoded = unquote(sent)
    for ending in (left, unquote(left), left.removesuffix("/")):
        if decoded.endswith(ending):
            at = _encoded_length(sent, len(decoded.removesuffix(ending).encode()))
            if sent[at : at + 1] in ("/", ""):
                return at
    return None


def _encoded_length(sent: str, size: int) -> int:
    """Return how many characters of a percent-encoded text stand for its first `size` bytes."""
    return sum(map(len, _ENCODED_BYTE.findall(sent)[:size])) if size else 0


def _encoded(path: str) -> str:
    return quote(path, safe=SAFE_IN_PATH)
