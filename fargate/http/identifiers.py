"""What one request is called: in its answer, in its event, in logs and in traces."""

import os
import re
from random import Random
from typing import NamedTuple

TRACE_ROOT = re.compile(r"(?:^|;)\s*(Root=1-[0-9a-f]{8}-[0-9a-f]{24})(?:;|\s*$)", re.IGNORECASE)
MAX_TRACE_HEADER = 256
_SANE = re.compile(r"[A-Za-z0-9._:/+=@-]{1,128}")


class RequestIds(NamedTuple):
    """The names of one request."""

    request_id: str  # x-amzn-RequestId: a UUID
    extended_id: str  # x-amz-apigw-id: sixteen characters
    trace_header: str  # X-Amzn-Trace-Id: the caller's where it has a valid root, else a new one
    trace_root: str  # the `Root=...` part of it, which goes back to the client
    trace_id: str  # that without `Root=`
    correlation_id: str  # X-Request-Id: the caller's where it is sane, else the trace's

    @property
    def is_correlated(self) -> bool:
        """Whether the caller has named the request, and gets that name back; the trace's goes back in any case."""
        return self.correlation_id is not self.trace_id

    @property
    def for_logs(self) -> tuple[str, str, str]:
        """What a log line names: correlation_id, xray_trace_id, request_id."""
        return self.correlation_id, self.trace_id, self.request_id


class IdentifierSource:
    """Makes unique names at a tenth of uuid4's cost; the system seeds its generator, and they guard no secret."""

    def __init__(self, seed: int | None = None) -> None:
        self._random = Random(int.from_bytes(os.urandom(16), "big") if seed is None else seed)  # noqa: S311

    def next(self, trace_header: str | None, correlation_id: str | None, now: float) -> RequestIds:
        """Name a request.

        Args:
            trace_header: X-Amzn-Trace-Id as it came.
            correlation_id: X-Request-Id as it came.
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
        if correlation_id is None or not _SANE.fullmatch(correlation_id):
            correlation_id = trace_id
        return RequestIds(request_id, extended_id, trace_header, trace_root, trace_id, correlation_id)
