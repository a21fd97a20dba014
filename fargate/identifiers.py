"""What one request is called: in its answer, in its event, in logs and in traces."""

import os
import re
from random import Random
from typing import NamedTuple

TRACE_ROOT = re.compile(r"(?:^|;)\s*(Root=1-[0-9a-f]{8}-[0-9a-f]{24})(?:;|\s*$)", re.IGNORECASE)
MAX_TRACE_HEADER = 256


class RequestIds(NamedTuple):
    """The names of one request."""

    request_id: str  # x-amzn-RequestId: a UUID
    extended_id: str  # x-amz-apigw-id: sixteen characters
    trace_header: str  # X-Amzn-Trace-Id: the caller's where it has a valid root, else a new one
    trace_root: str  # the `Root=...` part of it, which goes back to the client


class IdentifierSource:
    """Makes unique names at a tenth of uuid4's cost; the system seeds its generator, and they guard no secret."""

    def __init__(self, seed: int | None = None) -> None:
        self._random = Random(int.from_bytes(os.urandom(16), "big") if seed is None else seed)  # noqa: S311

    def next(self, trace_header: str | None, now: float) -> RequestIds:
        """Name a request; `now` is in seconds since the epoch."""
        text = self._random.randbytes(32).hex()
        request_id = f"{text[:8]}-{text[8:12]}-4{text[13:16]}-a{text[17:20]}-{text[20:32]}"
        extended_id = text[24:39] + "="
        if trace_header and len(trace_header) <= MAX_TRACE_HEADER and (root := TRACE_ROOT.search(trace_header)):
            return RequestIds(request_id, extended_id, trace_header, root[1])
        new_root = f"Root=1-{int(now):08x}-{text[40:]}"
        return RequestIds(request_id, extended_id, new_root, new_root)
