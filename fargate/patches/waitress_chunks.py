r"""The line of a chunk's size ends at CR LF alone.

Replaces `ONLY_HEXDIG_RE` and `CHUNK_EXT_RE` of `waitress.receiver`. They end with `$`, which also matches before a line
feed at the end, so that waitress reads `5\n\r\n` as the size 5. A proxy that ends lines at a line feed sees another
body in these bytes (request smuggling, RFC 9112, section 7.1).

Drop when waitress' patterns match the whole line.
"""

import re

from waitress import receiver


def end_size_lines() -> None:
    """Refuse a line feed before the end of a size's line. Calling it again changes nothing."""
    receiver.ONLY_HEXDIG_RE = _whole(receiver.ONLY_HEXDIG_RE)
    receiver.CHUNK_EXT_RE = _whole(receiver.CHUNK_EXT_RE)


def _whole(pattern: re.Pattern[bytes]) -> re.Pattern[bytes]:
    return re.compile(pattern.pattern.removesuffix(b"$").removesuffix(rb"\Z") + rb"\Z")
