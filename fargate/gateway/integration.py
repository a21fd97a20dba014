"""Read the response that the app returned, as API Gateway reads that of a proxy integration.

https://docs.aws.amazon.com/apigateway/latest/developerguide/set-up-lambda-proxy-integrations.html
"""

import base64
import binascii
import logging
import re
from collections.abc import Iterable
from functools import lru_cache
from typing import Any

from chalice.app import Response

from fargate.errors import BadGateway
from fargate.http.bounded_cache import cached
from fargate.http.messages import HOP_BY_HOP, Header, HttpResponse

logger = logging.getLogger("fargate")

SERVER_HEADERS = frozenset(name.lower() for name in HOP_BY_HOP) | {"content-length", "date", "server"}
"""Headers that the server writes itself, in lower case; the app's are dropped.

An app that passes the headers of another server on would send a second Date (RFC 9110, section 6.6.1). API Gateway
renames the app's Date and Server.
"""
_TOKEN = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_FORBIDDEN = re.compile(r"[\0-\x08\n-\x1f\x7f]")
"""Characters that no value of a header may have (RFC 9110, section 5.5). A server would drop the whole response."""
_RESET_CONTENT = 205
"""Must not have content, but says so by its length (RFC 9110, section 15.3.6)."""
_PLAIN_STATUSES = frozenset(range(200, 600)) - {_RESET_CONTENT}


class Malformed(Exception):
    """The result has another form; the message says which, without any of its values."""


def read_response(result: object, *, binary: bool | None = None) -> HttpResponse:
    """Turn `{"statusCode", "headers", "multiValueHeaders", "body", "isBase64Encoded"}` into a response.

    Args:
        result: what the app returned.
        binary: whether the client gets bytes, by API Gateway's rule; None: what the app sends as bytes are bytes.

    Raises:
        BadGateway: the result has another form; the log says which.
    """
    try:
        return _read(result if binary is None else strictly(result, binary=binary))
    except Malformed as error:
        logger.error("The app's response is malformed: %s", error)
        raise BadGateway from error


def strictly(result: object, *, binary: bool) -> object:
    """Return a result with the body that API Gateway's rule leaves it.

    Args:
        result: as the app returned it; bytes are text in the JSON that Lambda sends.
        binary: whether the client gets bytes; if not, base64 stays text.

    Raises:
        Malformed: the body's bytes are not UTF-8.
    """
    if not isinstance(result, dict):
        return result
    is_base64 = binary and result.get("isBase64Encoded", False)
    return {**result, "body": _as_json(result.get("body")), "isBase64Encoded": is_base64}


def _as_json(body: Any) -> Any:
    try:
        return body.decode() if isinstance(body, bytes) else body
    except UnicodeDecodeError:
        raise Malformed("its body is bytes that are not UTF-8, which Lambda cannot send") from None


def _read(result: object) -> HttpResponse:
    if not isinstance(result, dict):
        raise Malformed("it is no dictionary")
    status = _status(result.get("statusCode"))
    headers, has_content_type = _headers(result.get("multiValueHeaders"), result.get("headers"))
    body = _body(result.get("body"), result.get("isBase64Encoded", False))
    if status == _RESET_CONTENT:
        body = b""
    if not has_content_type and status not in (204, 304):
        headers.append(("Content-Type", "application/json"))
    return HttpResponse(status, headers, body)


def read_plain(response: Response) -> HttpResponse | None:
    """Read the usual response (text, one value for each header) without the detour of `Response.to_dict`.

    Returns None for any other; `read_response(response.to_dict(...))` reads all of them.
    """
    body, headers = response.body, response.headers
    if type(body) is not str or "Content-Type" not in headers or response.status_code not in _PLAIN_STATUSES:
        return None
    pairs: list[Any] = list(headers.items())
    try:
        values = "".join([value for _, value in pairs])
    except TypeError:  # a value is a list or a number
        return None
    if not (values.isascii() and values.isprintable() and all(map(_is_plain, headers))):
        return None
    return HttpResponse(response.status_code, pairs, body.encode())


@cached
def _is_plain(name: str) -> bool:
    return name.lower() not in SERVER_HEADERS and _TOKEN.fullmatch(name) is not None


def _status(value: object) -> int:
    if isinstance(value, str) and len(value) == 3 and value.isdecimal():
        value = int(value)
    if not isinstance(value, int) or not 200 <= value <= 599:
        raise Malformed("statusCode is no number between 200 and 599")
    return int(value)


def _headers(many: object, single: object) -> tuple[list[Header], bool]:
    """Join `multiValueHeaders` and `headers`; a pair that is in both counts once. Return also: is Content-Type set?"""
    headers: list[Header] = []
    seen: set[str] = set()
    for name, values in _items(many):
        if not isinstance(values, list | tuple):
            raise Malformed(f"multiValueHeaders has no list of values for {name!r:.80}")
        lower = _lower(name)
        seen.add(lower)
        if lower not in SERVER_HEADERS:
            headers.extend([(name, _text(name, value)) for value in values])
    for name, value in _items(single):
        lower = _lower(name)
        if lower not in SERVER_HEADERS and not (lower in seen and _has(headers, lower, value)):
            headers.append((name, _text(name, value)))
            seen.add(lower)
    return headers, "content-type" in seen


def _items(headers: object) -> Iterable[tuple[str, Any]]:
    if headers is None:
        return ()
    if not isinstance(headers, dict):
        raise Malformed("its headers are no dictionary")
    return headers.items()


def _has(headers: list[Header], lower: str, value: object) -> bool:
    return any(name.lower() == lower and text == _text(name, value) for name, text in headers)


@lru_cache(maxsize=1024)
def _lower(name: object) -> str:
    if not isinstance(name, str) or not _TOKEN.fullmatch(name):
        raise Malformed(f"{name!r:.80} is no name of a header")
    return name.lower()


def _text(name: str, value: object) -> str:
    """Write a header's value: true and false as in JSON, text beyond ASCII as UTF-8 bytes."""
    if isinstance(value, bool):
        return "true" if value else "false"
    text = "" if value is None else str(value)
    if _FORBIDDEN.search(text):
        raise Malformed(f"the value of {name} has a line break or another control character")
    return text if text.isascii() else text.encode("utf-8", "surrogatepass").decode("latin-1")


def _body(body: object, is_base64: object) -> bytes:
    if body is None:
        return b""
    if not isinstance(body, str | bytes):
        raise Malformed("its body is neither text nor bytes")
    if is_base64:
        try:
            return base64.b64decode(body, validate=True)
        except (binascii.Error, ValueError):
            raise Malformed("isBase64Encoded is true, and its body is not base64") from None
    try:
        return body if isinstance(body, bytes) else body.encode()
    except UnicodeEncodeError:
        raise Malformed("its body has half of a surrogate pair") from None
