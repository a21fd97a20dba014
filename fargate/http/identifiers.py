"""The ids of a request, for its response, its event, logs and traces."""

import re
from functools import cached_property
from random import Random
from typing import NamedTuple

TRACE_ROOT = re.compile(r"(?:^|;)\s*(Root=1-[0-9a-f]{8}-[0-9a-f]{24})(?:;|\s*$)", re.IGNORECASE)
MAX_TRACE_HEADER = 256
_CORRELATION_ID = re.compile(r"[A-Za-z0-9._:/+=@-]{1,128}")


def valid_id(value: object) -> str | None:
    """Return an id that may be sent back and logged, or None for any other value."""
    return value if isinstance(value, str) and _CORRELATION_ID.fullmatch(value) else None


class RequestIds(NamedTuple):
    """The ids of one request."""

    request_id: str  # x-amzn-RequestId: a UUID
    extended_id: str  # x-amz-apigw-id: sixteen characters
    trace_header: str  # X-Amzn-Trace-Id: the caller's if its root is valid, else a new one
    trace_root: str  # its part `Root=...`, which is sent back
    trace_id: str  # the same without `Root=`
    correlation_id: str  # X-Request-Id: the caller's if it is valid, else the trace id

    @property
    def is_correlated(self) -> bool:
        """Whether the caller sent a valid X-Request-Id; it is then sent back. The trace root is always sent back."""
        return self.correlation_id is not self.trace_id

    @property
    def for_logs(self) -> tuple[str, str, str]:
        """Return the ids that a log line has: correlation_id, xray_trace_id, request_id."""
        return self.correlation_id, self.trace_id, self.request_id


class IdentifierSource:
    """Makes unique ids at a tenth of uuid4's cost. Not for secrets: the generator is not a cryptographic one."""

    def __init__(self, seed: int | None = None) -> None:
        self._seed = seed

    @cached_property
    def _random(self) -> Random:
        """Seeded for the first request: a server may fork after the import, and its processes must not share ids."""
        return Random(self._seed)  # noqa: S311

    def next(self, trace_header: str | None, correlation_id: str | None, now: float) -> RequestIds:
        """Return the ids of a request.

        Args:
            trace_header: X-Amzn-Trace-Id as received.
            correlation_id: X-Request-Id as received.
            now: seconds since the epoch.
        """
        text = self._random.randbytes(32).hex()
        request_id = f"{text[:8]}-{text[8:12]}-4{text[13:16]}-a{text[17:20]}-{text[20:32]}"
        extended_id = text[24:39] + "="
        if trace_header and len(trace_header) <= MAX_TRACE_HEADER and (root := TRACE_ROOT.search(trace_header)):
            trace_root = root[1]
        else:
            trace_header = trace_root = f"Root=1-{int(now):08x}-{text[40:]}"
        trace_id = trace_root[5:]
        if correlation_id is None or not _CORRELATION_ID.fullmatch(correlation_id):
            correlation_id = trace_id
        return RequestIds(request_id, extended_id, trace_header, trace_root, trace_id, correlation_id)
