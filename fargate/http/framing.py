"""Refuse ambiguous framing, so that no proxy in front sees other requests in the same bytes (request smuggling)."""

from collections.abc import Sequence

from fargate.errors import BadRequest, NotSupported
from fargate.http.messages import Header


def check_framing(version: str, headers: Sequence[Header]) -> None:
    """Check Host, Content-Length and Transfer-Encoding (RFC 9112, sections 3.2 and 6).

    Args:
        version: HTTP version, "1.0" or "1.1".
        headers: names as `canonical` writes them.

    Raises:
        BadRequest: the headers contradict each other, one occurs twice, or Host is missing or empty.
        NotSupported: a transfer coding other than chunked.
    """
    hosts: list[str] = []
    codings: list[str] = []
    lengths = 0
    for name, value in headers:
        if name == "Host":
            hosts.append(value)
        elif name == "Content-Length":
            lengths += 1
        elif name == "Transfer-Encoding":
            codings.append(value.lower())
    if len(hosts) > 1 or lengths > 1 or (version == "1.1" and not any(hosts)):
        raise BadRequest
    if codings:
        _check_codings(version, codings, lengths)


def _check_codings(version: str, codings: list[str], lengths: int) -> None:
    if lengths or version != "1.1":
        raise BadRequest
    if codings != ["chunked"]:
        raise NotSupported
