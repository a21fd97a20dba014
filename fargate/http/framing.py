"""Refuse ambiguous framing, so that no proxy in front sees other requests in the same bytes (request smuggling).

Refuses a WebSocket too: what would follow the handshake is no HTTP.
"""

import re
from collections.abc import Sequence

from fargate.errors import BadRequest, NotSupported, WebSocketsNotServed
from fargate.http.bounded_cache import cached
from fargate.http.messages import Header

_HOST = re.compile(r"(?:\[[0-9A-Za-z:.%_~-]+\]|(?:[0-9A-Za-z._~!$&'()*+,;=-]|%[0-9A-Fa-f]{2})+)(?::[0-9]*)?")
"""uri-host [":" port] (RFC 3986, section 3.2.2)."""
_LOOKED_AT = frozenset({"Host", "Content-Length", "Transfer-Encoding", "Upgrade"})
_MOST_DIGITS = 18
"""Of a body's length. `int` raises ValueError above 4,300."""


def check_framing(method: str, version: str, headers: Sequence[Header]) -> None:
    """Check Host, Content-Length, Transfer-Encoding and Upgrade (RFC 9112, sections 3.2 and 6; RFC 6455, section 4.1).

    Args:
        method: as sent.
        version: HTTP version, "1.0" or "1.1".
        headers: names as `canonical` writes them.

    Raises:
        BadRequest: the headers contradict each other, one occurs twice, or Host is missing, empty or no host.
        NotSupported: a transfer coding other than chunked.
        WebSocketsNotServed: a WebSocket handshake.
    """
    hosts: list[str] = []
    codings: list[str] = []
    lengths, upgrade = 0, ""
    for name, value in headers:
        if name not in _LOOKED_AT:
            continue
        if name == "Host":
            hosts.append(value)
        elif name == "Content-Length":
            lengths += 1
        elif name == "Transfer-Encoding":
            codings.append(value.lower())
        else:
            upgrade += value
    host = hosts[0] if hosts else ""
    if len(hosts) > 1 or lengths > 1 or not (_is_host(host) if host else version != "1.1"):
        raise BadRequest
    if codings or upgrade:
        _check_codings(version, codings, lengths)
        _check_upgrade(method, version, upgrade)


def _check_upgrade(method: str, version: str, upgrade: str) -> None:
    if is_handshake(method, version, upgrade):
        raise WebSocketsNotServed


def is_handshake(method: str, version: str, upgrade: str) -> bool:
    """Return whether a request with this Upgrade asks for a WebSocket; with HTTP/1.0 it counts for nothing."""
    return method == "GET" and version == "1.1" and "websocket" in upgrade.lower()


@cached
def _is_host(value: str) -> bool:
    return _HOST.fullmatch(value) is not None


def _check_codings(version: str, codings: list[str], lengths: int) -> None:
    if codings and (lengths or version != "1.1"):
        raise BadRequest
    if codings not in ([], ["chunked"]):
        raise NotSupported


def is_longer(length: str | bytes, limit: int) -> bool:
    """Tell whether a body's length is above the limit; a client may send any number of digits."""
    return len(length) > _MOST_DIGITS or int(length) > limit
