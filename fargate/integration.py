"""Read the response that the app returned, as API Gateway reads a proxy integration's.

https://docs.aws.amazon.com/apigateway/latest/developerguide/set-up-lambda-proxy-integrations.html
"""

import base64
import binascii
import re
from collections.abc import Iterable, Mapping
from typing import Any

from fargate.errors import BadGateway
from fargate.http import HOP_BY_HOP, Header, HttpResponse, canonical

DOORS_OWN = HOP_BY_HOP | {"Content-Length"}
_TOKEN = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_FORBIDDEN = re.compile(r"[\r\n\0]")


def read_response(answer: object) -> HttpResponse:
    """Turn `{"statusCode", "headers", "multiValueHeaders", "body", "isBase64Encoded"}` into a response.

    Raises:
        BadGateway: the answer is not of that form.
    """
    if not isinstance(answer, Mapping):
        raise BadGateway
    status = _status(answer.get("statusCode"))
    headers = _headers(answer.get("multiValueHeaders"), answer.get("headers"))
    body = _body(answer.get("body"), answer.get("isBase64Encoded", False))
    if status not in (204, 304) and not any(name.lower() == "content-type" for name, _ in headers):
        headers.append(("Content-Type", "application/json"))
    return HttpResponse(status, headers, body)


def _status(value: object) -> int:
    if isinstance(value, str) and value.isdecimal():
        value = int(value)
    if not isinstance(value, int) or not 200 <= value <= 599:
        raise BadGateway
    return int(value)


def _headers(many: object, single: object) -> list[Header]:
    """Join both maps: `multiValueHeaders` first, then those of `headers` that are not among them."""
    headers: list[Header] = []
    seen: set[str] = set()
    for name, values in _items(many):
        if not isinstance(values, Iterable) or isinstance(values, str | bytes):
            raise BadGateway
        seen.add(name.lower())
        headers.extend(_header(name, value) for value in values)
    headers.extend(_header(name, value) for name, value in _items(single) if name.lower() not in seen)
    return [header for header in headers if canonical(header[0]) not in DOORS_OWN]


def _items(headers: object) -> Iterable[tuple[str, Any]]:
    if headers is None:
        return ()
    if not isinstance(headers, Mapping):
        raise BadGateway
    return headers.items()


def _header(name: object, value: object) -> Header:
    text = _text(value)
    if not isinstance(name, str) or not _TOKEN.fullmatch(name) or _FORBIDDEN.search(text):
        raise BadGateway
    return name, text


def _text(value: object) -> str:
    """Write a header's value as JSON would have carried it; what is not Latin-1 goes out as its UTF-8 bytes."""
    if isinstance(value, bool):
        return "true" if value else "false"
    text = "" if value is None else str(value)
    return text if text.isascii() else text.encode("utf-8", "surrogatepass").decode("latin-1")


def _body(body: object, is_base64: object) -> bytes:
    if body is None:
        return b""
    if not isinstance(body, str | bytes):
        raise BadGateway
    if is_base64:
        try:
            return base64.b64decode(body, validate=True)
        except (binascii.Error, ValueError):
            raise BadGateway from None
    try:
        return body if isinstance(body, bytes) else body.encode()
    except UnicodeEncodeError:
        raise BadGateway from None
