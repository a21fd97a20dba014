"""The format of the metrics that an Accept header prefers (RFC 9110, section 12.5.1).

prometheus_client takes the first range that it knows, reads no quality value, and fails on a version that is no number.
So it gets one range at a time, with a version that it writes.
"""

import re
from collections.abc import Callable, Iterator
from typing import NamedTuple

from prometheus_client.exposition import choose_encoder
from prometheus_client.registry import Collector

Encode = Callable[[Collector], bytes]

OPENMETRICS = "application/openmetrics-text"
TEXT = frozenset(("text/plain", "text/*", "*/*"))
VERSIONS = frozenset(("0.0.4", "1.0.0", "2.0.0"))
_QUALITY = re.compile(r"0(\.[0-9]{0,3})?|1(\.0{0,3})?")


class MediaRange(NamedTuple):
    """One range of an Accept header."""

    quality: float  # 0: not acceptable
    type: str
    parameters: dict[str, str]

    def format(self) -> tuple[Encode, str] | None:
        """Return what encodes the metrics, and the content type; None: there is no such format."""
        version = self.parameters.get("version")
        if version is not None and version not in VERSIONS:
            return None
        parameters = (f";{name}={self.parameters[name]}" for name in ("version", "escaping") if name in self.parameters)
        encode, content_type = choose_encoder(self.type + "".join(parameters))
        return (encode, content_type) if self.type in TEXT or content_type.startswith(OPENMETRICS) else None


def format_for(accept: str) -> tuple[Encode, str]:
    """Return what encodes the metrics, and the content type: text if the header accepts no format that there is."""
    for each in sorted(_acceptable(accept), key=lambda each: -each.quality):
        if found := each.format():
            return found
    return choose_encoder("")


def _acceptable(accept: str) -> Iterator[MediaRange]:
    for text in accept.lower().split(","):
        media_type, *pairs = (part.strip() for part in text.split(";"))
        split = (pair.partition("=") for pair in pairs)
        parameters = {name.strip(): value.strip() for name, _, value in split}
        quality = parameters.get("q", "1")
        if _QUALITY.fullmatch(quality) and float(quality) > 0:
            yield MediaRange(float(quality), media_type, parameters)
