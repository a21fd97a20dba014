"""Checks AWS Signature Version 4 of requests to the service `execute-api`, with keys that the settings hold.

https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html
"""

import hashlib
import hmac
import re
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Final, NamedTuple
from urllib.parse import quote

from fargate.errors import BadSignature, MissingSignature
from fargate.http.messages import HttpRequest, canonical, last_value

ALGORITHM: Final = "AWS4-HMAC-SHA256"
SERVICE: Final = "execute-api"
MOST_SKEW_SECONDS: Final = 300
"""A signature counts so long before and after its time, as at AWS."""

IN_QUERY: Final = "A signature in the query is not accepted: sign with the header Authorization"

_AUTHORIZATION = re.compile(
    rf"{ALGORITHM} +Credential=([^/,\s]+)/(\d{{8}}/[a-z0-9-]+/{SERVICE}/aws4_request), *"
    r"SignedHeaders=([a-z0-9;-]+), *Signature=([0-9a-f]{64})"
)
_TIME = "%Y%m%dT%H%M%SZ"


class Signature(NamedTuple):
    """What the header Authorization says."""

    key_id: str
    scope: str  # date/region/service/aws4_request
    headers: Sequence[str]
    hexadecimal: str


def check_signature(request: HttpRequest, keys: Mapping[str, str], now: float) -> None:
    """Check that a request is signed with one of the keys, now, and as it has come.

    Args:
        request: with its body.
        keys: secrets by the ids of the keys.
        now: seconds since the epoch.

    Raises:
        MissingSignature: it is not signed.
        BadSignature: it is signed otherwise.
    """
    signature = _read(request)
    time = last_value(request.headers, "X-Amz-Date") or ""
    if not _is_now(time, now) or signature.scope[:8] != time[:8]:
        raise BadSignature("Signature not yet current or expired")
    if not {"host", "x-amz-date"} <= set(signature.headers):
        raise BadSignature("'Host' and 'X-Amz-Date' must be signed headers")
    secret = keys.get(signature.key_id)
    expected = _sign(request, signature, time, secret or "")
    if not hmac.compare_digest(expected, signature.hexadecimal) or secret is None:
        raise BadSignature


def _read(request: HttpRequest) -> Signature:
    text = last_value(request.headers, "Authorization")
    if text is None:
        raise BadSignature(IN_QUERY) if "X-Amz-Signature=" in request.query else MissingSignature()
    found = _AUTHORIZATION.fullmatch(text)
    if found is None:
        raise BadSignature
    key_id, scope, headers, hexadecimal = found.groups()
    return Signature(key_id, scope, headers.split(";"), hexadecimal)


def _is_now(time: str, now: float) -> bool:
    try:
        signed = datetime.strptime(time, _TIME).replace(tzinfo=UTC).timestamp()
    except ValueError:
        return False
    return abs(now - signed) <= MOST_SKEW_SECONDS


def _sign(request: HttpRequest, signature: Signature, time: str, secret: str) -> str:
    digest = hashlib.sha256(_canonical(request, signature.headers).encode("latin-1")).hexdigest()
    key = f"AWS4{secret}".encode()
    for part in signature.scope.split("/"):
        key = hmac.digest(key, part.encode(), "sha256")
    return hmac.digest(key, "\n".join((ALGORITHM, time, signature.scope, digest)).encode(), "sha256").hex()


def _canonical(request: HttpRequest, names: Sequence[str]) -> str:
    """Write a request as both sides do: its path is encoded once more than it was sent, all but for S3."""
    fields = "".join(f"{name}:{_values(request, name)}\n" for name in names)
    query = "&".join(sorted(part if "=" in part else f"{part}=" for part in request.query.split("&") if part))
    payload = hashlib.sha256(request.body).hexdigest()
    path = quote(request.whole_path, safe="/~")
    return "\n".join((request.method, path, query, fields, ";".join(names), payload))


def _values(request: HttpRequest, name: str) -> str:
    """Return all values of a header, with single spaces."""
    return ",".join(" ".join(value.split()) for each, value in request.headers if each == canonical(name))
