"""Refuse ambiguous framing, so that no proxy in front sees other requests in the same bytes (request smuggling)."""

import re
from collections.abc import Sequence

from fargate.errors import BadRequest, NotSupported
from fargate.http.bounded_cache import cached
from fargate.http.messages import Header

_HOST = re.compile(r"(?:\[[0-9A-Za-z:.%_~-]+\]|(?:[0-9A-Za-z._~!$&'()*+,;=-]|%[0-9A-Fa-f]{2})+)(?::[0-9]*)?")
"""uri-host [":" port] (RFC 3986, section 3.2.2)."""


def check_framing(version: str, headers: Sequence[Header]) -> None:
    """Check Host, Content-Length and Transfer-Encoding (RFC 9112, sections 3.2 and 6).

    Args:
        version: HTTP version, "1.0" or "1.1".
        headers: names as `canonical` writes them.

    Raises:
        BadRequest: the headers contradict each other, one occurs twice, or Host is missing, empty or no host.
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
    host = hosts[0] if hosts else ""
    if len(hosts) > 1 or lengths > 1 or not (_is_host(host) if host else version != "1.1"):
        raise BadRequest
    if codings:
        _check_codings(version, codings, lengths)


@cached
def _is_host(value: str) -> bool:
    return _HOST.fullmatch(value) is not None


def _check_codings(version: str, codings: list[str], lengths: int) -> None:
    if lengths or version != "1.1":
        raise BadRequest
    if codings != ["chunked"]:
        raise NotSupported
